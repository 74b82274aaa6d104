// The page: chooses model and sound, turns the controls, plays live and renders files.

import { describe } from "./model.js";

const VERSION = "1.30.0";
const RUNTIMES = ["onnxruntime-web/", `https://cdn.jsdelivr.net/npm/onnxruntime-web@${VERSION}/dist/`];
const MODELS = ["model.onnx", "../../models/export/model.onnx"];
// Besides the hop that the model waits for, the time that it has to answer.
const ANSWER_SAMPLES = 1024;
const FLOOR_DB = -60;

const $ = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
const answers = new Map();
let told, values, context, playing, sound, made;

worker.onmessage = ({ data }) => {
  if ("progress" in data) {
    $("progress").value = data.progress;
    return;
  }
  const { resolve, reject } = answers.get(data.answer);
  answers.delete(data.answer);
  if ("error" in data) reject(new Error(data.error));
  else resolve(data);
};
worker.onerror = (event) => say(`The worker does not run: ${event.message}`);

function ask(what, content = {}, transferred = []) {
  const number = (ask.count = (ask.count ?? 0) + 1);
  return new Promise((resolve, reject) => {
    answers.set(number, { resolve, reject });
    worker.postMessage({ ask: what, number, ...content }, transferred);
  });
}

function say(message = "") {
  $("message").textContent = message;
}

/** Run something that a press of a button asked for, and say what went wrong. */
const tried = (action) => async (event) => {
  say();
  try {
    await action(event);
  } catch (error) {
    say(error.message);
  }
};

const milliseconds = (samples) => `${Math.round((1000 * samples) / told.sample_rate_hz)} ms`;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const lead = () => 128 * Math.ceil((told.block_samples + Math.max(told.block_samples, ANSWER_SAMPLES)) / 128);

// The model

async function first(addresses, suffix = "") {
  for (const address of addresses) {
    const url = new URL(address, document.baseURI);
    const found = await fetch(url + suffix, { method: "HEAD" }).catch(() => null);
    if (found?.ok) return url;
  }
  return null;
}

async function load(bytes, name) {
  stop();
  told = describe(bytes);
  $("model").textContent = `Loading ${name} …`;
  const runtime = await first(RUNTIMES, "ort.wasm.min.mjs");
  if (!runtime) {
    throw new Error("ONNX Runtime Web is neither beside this page nor to be had from the net. "
      + "The section `In the browser` of docs/exports.md has the line that fetches it.");
  }
  await ask("load", { bytes, description: told, runtime: runtime.href });
  const place = runtime.href.includes(VERSION) ? "from the net" : "from beside this page";
  $("model").innerHTML = "";
  const facts = {
    [name]: `${(bytes.length / 1e6).toFixed(1)} MB`,
    "": `${told.sample_rate_hz / 1000} kHz, ${told.channels === 2 ? "stereo" : "mono"}`,
    hop: `${told.block_samples} samples (${milliseconds(told.block_samples)})`,
    "delay of the model": milliseconds(told.delay_samples),
    "ONNX Runtime Web": place,
  };
  for (const [label, fact] of Object.entries(facts)) {
    const value = document.createElement("b");
    value.textContent = fact;
    $("model").append(...($("model").hasChildNodes() ? [" · "] : []), label && `${label} `, value);
  }
  showControls();
  showSound();
  for (const button of document.querySelectorAll("[data-needs-model]")) button.disabled = false;
}

async function loadFirst() {
  const wanted = new URLSearchParams(location.search).get("model");
  const url = await first(wanted ? [wanted] : MODELS);
  if (!url) {
    $("model").textContent = wanted ? `There is no ${wanted}.` : "There is no model.onnx beside this page.";
    say("Choose a model.onnx, or drop one here.");
    return;
  }
  await load(new Uint8Array(await (await fetch(url)).arrayBuffer()), url.pathname.split("/").pop());
}

// The controls

function showControls() {
  values = Float32Array.from(told.controls, (control) => control.default);
  $("controls").replaceChildren(
    ...told.controls.map((control, index) => {
      const row = $("control").content.firstElementChild.cloneNode(true);
      const [slider, output, name, meaning] = ["input", "output", "label", "p"].map((tag) => row.querySelector(tag));
      const [least, most] = control.knob ?? [control.least, control.most];
      name.textContent = control.name.replace(/_(db|dbfs|semitones|octaves)$/, "").replaceAll("_", " ");
      name.htmlFor = slider.id = `control-${control.name}`;
      meaning.textContent = control.meaning;
      slider.min = least;
      slider.max = most;
      slider.step = (most - least) / 400;
      slider.value = control.default;
      const show = () => {
        values[index] = slider.valueAsNumber;
        output.textContent = `${slider.valueAsNumber.toFixed(most - least > 20 ? 1 : 2)} ${control.unit}`;
      };
      slider.oninput = () => {
        show();
        ask("turn", { values });
      };
      row.querySelector("button").onclick = () => {
        slider.value = control.default;
        slider.oninput();
      };
      show();
      return row;
    }),
  );
}

// Live

async function start(title, connect) {
  stop();
  context = new AudioContext({ sampleRate: told.sample_rate_hz, latencyHint: "interactive" });
  const own = context;
  await context.audioWorklet.addModule("worklet.js");
  const { port1, port2 } = new MessageChannel();
  await ask("live", { port: port1 }, [port1]);
  const stream = new AudioWorkletNode(context, "timbre-stream", {
    numberOfInputs: 1,
    numberOfOutputs: 1,
    outputChannelCount: [told.channels],
    channelCount: told.channels,
    channelCountMode: "explicit",
    processorOptions: { channels: told.channels, hop: told.block_samples, lead: lead() },
  });
  stream.port.postMessage({ model: port2 }, [port2]);
  const volume = new GainNode(context, { gain: loudness() });
  stream.connect(volume).connect(context.destination);
  stream.port.onmessage = ({ data }) => meter(data);
  playing = { volume, stop: await connect(stream) };
  if (context !== own) return;
  await context.resume();
  $("state").textContent = title;
  $("stop").disabled = false;
  const card = Math.round((context.baseLatency + (context.outputLatency || 0)) * told.sample_rate_hz);
  const parts = [["model", told.delay_samples], ["hop and answer", lead()], ["sound card", card]];
  $("delay").textContent = milliseconds(parts.reduce((sum, [, samples]) => sum + samples, 0));
  $("delay-parts").textContent = parts.map(([name, samples]) => `${name} ${milliseconds(samples)}`).join(", ");
}

function stop() {
  playing?.stop();
  context?.close();
  playing = context = undefined;
  $("state").textContent = "silent";
  $("stop").disabled = true;
  for (const id of ["in", "out"]) $(id).style.setProperty("--level", 0);
}

const loudness = () => (Number($("volume").value) > -40 ? 10 ** (Number($("volume").value) / 20) : 0);

async function microphone() {
  const asked = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const media = await navigator.mediaDevices.getUserMedia({ audio: asked });
  await start("playing the microphone", (stream) => {
    context.createMediaStreamSource(media).connect(stream);
    return () => media.getTracks().forEach((track) => track.stop());
  });
}

async function playFile() {
  if (!sound) throw new Error("Choose a sound first.");
  await start(`playing ${sound.name}`, (stream) => {
    const source = new AudioBufferSourceNode(context, { buffer: sound.buffer, loop: true });
    source.connect(stream);
    source.start();
    return () => source.stop();
  });
}

function meter({ peaks, gaps, load }) {
  ["in", "out"].forEach((id, index) => {
    const level = 20 * Math.log10(Math.max(peaks[index], 1e-6));
    $(id).style.setProperty("--level", Math.min(1, Math.max(0, 1 - level / FLOOR_DB)));
    $(id).classList.toggle("over", peaks[index] > 1);
    $(`${id}-level`).textContent = level < FLOOR_DB ? "–" : `${level.toFixed(0)} dB`;
  });
  $("load").textContent = `${(100 * load).toFixed(0)} % of real time`;
  $("gaps").textContent = gaps === 0 ? "none" : String(gaps);
}

// Files

async function choose(file) {
  if (/\.onnx$/i.test(file.name)) {
    await load(new Uint8Array(await file.arrayBuffer()), file.name);
    return;
  }
  if (!told) throw new Error("There is no model yet: choose a model.onnx first.");
  const decoder = new OfflineAudioContext(told.channels, 1, told.sample_rate_hz);
  const buffer = await decoder.decodeAudioData(await file.arrayBuffer()).catch(() => null);
  if (!buffer) throw new Error(`${file.name} is no sound that this browser can read.`);
  sound = { name: file.name, buffer, file };
  showSound();
}

async function showSound() {
  if (sound && sound.buffer.sampleRate !== told.sample_rate_hz) await choose(sound.file);
  $("sound").textContent = sound ? `${sound.name}, ${clock(sound.buffer.duration)}` : "no file chosen";
  for (const id of ["play-file", "render"]) $(id).disabled = !sound;
}

/** A sound's channels as the model wants them: the mean for one, both sides alike where there is only one. */
function channelsOf(buffer) {
  const all = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  if (told.channels === 2) return [all[0].slice(), (all[1] ?? all[0]).slice()];
  return [Float32Array.from(all[0], (_, sample) => all.reduce((sum, each) => sum + each[sample], 0) / all.length)];
}

async function render() {
  stop();
  $("render").disabled = true;
  $("progress").hidden = false;
  $("progress").value = 0;
  const channels = channelsOf(sound.buffer);
  try {
    const done = await ask("render", { channels }, channels.map((channel) => channel.buffer));
    const seconds = done.channels[0].length / told.sample_rate_hz;
    const peak = done.channels.reduce((most, each) => each.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
    if (made) URL.revokeObjectURL(made);
    made = URL.createObjectURL(new Blob([wav(done.channels, told.sample_rate_hz)], { type: "audio/wav" }));
    $("rendered").hidden = false;
    $("rendered").dataset.factor = done.seconds / seconds;
    $("listen").src = $("download").href = made;
    $("download").download = `${sound.name.replace(/\.[^.]*$/, "")}, played.wav`;
    $("told").textContent = `${clock(seconds)} in ${done.seconds.toFixed(1)} s,`
      + ` ${(seconds / done.seconds).toFixed(1)} times as fast as it lasts; peak ${(20 * Math.log10(peak)).toFixed(1)} dBFS`;
  } finally {
    $("render").disabled = false;
    $("progress").hidden = true;
  }
}

/** A WAV file of 32-bit floats. */
function wav(channels, rate) {
  const count = channels.length, size = 4 * count * channels[0].length;
  const view = new DataView(new ArrayBuffer(44 + size));
  const letters = (at, word) => [...word].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  letters(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  letters(8, "WAVEfmt ");
  [16, 0x10000 * count + 3, rate, 4 * count * rate, 0x10000 * 32 + 4 * count].forEach((number, place) =>
    view.setUint32(16 + 4 * place, number, true),
  );
  letters(36, "data");
  view.setUint32(40, size, true);
  const samples = new Float32Array(view.buffer, 44);
  channels.forEach((channel, place) => channel.forEach((value, at) => (samples[at * count + place] = value)));
  return view.buffer;
}

// The buttons

$("microphone").onclick = tried(microphone);
$("play-file").onclick = tried(playFile);
$("stop").onclick = tried(stop);
$("render").onclick = tried(render);
$("volume").oninput = () => {
  $("volume-told").textContent = loudness() ? `${$("volume").value} dB` : "off";
  if (playing) playing.volume.gain.value = loudness();
};
for (const id of ["sound-file", "model-file"]) {
  $(id).onchange = tried(async ({ target }) => {
    if (target.files.length) await choose(target.files[0]);
    target.value = "";
  });
}
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
};
document.ondragleave = () => document.body.classList.remove("dragging");
document.ondrop = tried(async (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  for (const file of event.dataTransfer.files) await choose(file);
});
tried(loadFirst)();
