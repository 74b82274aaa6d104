// The model at work, apart from the page: one hop of sound after the other through ONNX Runtime Web, in one thread.

import { ARRAYS, TYPES } from "./model.js";

let ort, session, told;
let controls, state;

const tensor = (type, shape, data) =>
  new ort.Tensor(TYPES[type], data ?? new ARRAYS[type](shape.reduce((size, length) => size * length, 1)), shape);

/** All states are zeros at the beginning of a sound. */
function zeros() {
  const states = told.inputs.filter((input) => input.name.startsWith("state_"));
  return Object.fromEntries(states.map(({ name, type, shape }) => [name, tensor(type, shape)]));
}

/** What comes out for one hop of every channel, one after the other in one array; and the state after it. */
async function step(block, before) {
  const audio = tensor(1, [1, told.channels, told.block_samples], block);
  const made = await session.run({ audio, controls: tensor(1, [controls.length], controls), ...before });
  const after = Object.fromEntries(Object.keys(before).map((name) => [name, made[`next_${name}`]]));
  return [made.audio_out.data, after];
}

const on = {
  async load({ bytes, description, runtime }) {
    ort = await import(`${runtime}ort.wasm.min.mjs`);
    ort.env.wasm.wasmPaths = runtime;
    ort.env.wasm.numThreads = 1;
    told = description;
    controls = Float32Array.from(told.controls, (control) => control.default);
    session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    await step(new Float32Array(told.channels * told.block_samples), zeros()); // the first call is slow
    state = zeros();
    return {};
  },

  turn({ values }) {
    controls = values;
    return {};
  },

  /** A whole sound, faster than it lasts where the machine can; late by nothing. */
  async render({ channels }) {
    const { block_samples: hop, delay_samples: delay } = told, samples = channels[0].length;
    const hops = Math.ceil((samples + delay) / hop), played = channels.map(() => new Float32Array(hops * hop));
    const begun = performance.now();
    let reported = begun, own = zeros();
    for (let number = 0; number < hops; number++) {
      const block = new Float32Array(channels.length * hop);
      channels.forEach((channel, index) => {
        if (number * hop < samples) block.set(channel.subarray(number * hop, (number + 1) * hop), index * hop);
      });
      let made;
      [made, own] = await step(block, own);
      played.forEach((channel, index) => channel.set(made.subarray(index * hop, (index + 1) * hop), number * hop));
      if (performance.now() - reported > 100) {
        reported = performance.now();
        postMessage({ progress: (number + 1) / hops });
      }
    }
    const seconds = (performance.now() - begun) / 1000;
    return { channels: played.map((channel) => channel.slice(delay, delay + samples)), seconds };
  },

  /** Sound as it comes from a worklet, block by block through a port of its own. */
  live({ port }) {
    state = zeros();
    const waiting = [];
    let busy = false;
    port.onmessage = async ({ data }) => {
      waiting.push(data);
      if (busy) return;
      busy = true;
      while (waiting.length > 0) {
        const begun = performance.now();
        let made;
        [made, state] = await step(waiting.shift(), state);
        port.postMessage({ block: made, milliseconds: performance.now() - begun });
      }
      busy = false;
    };
    return {};
  },
};

onmessage = async ({ data }) => {
  try {
    postMessage({ answer: data.number, ...(await on[data.ask](data)) });
  } catch (error) {
    postMessage({ answer: data.number, error: error.message ?? String(error) });
  }
};
