// What model.onnx says of itself. ONNX Runtime Web does not show a file's metadata, so they are read from its protocol
// buffers (onnx.proto): the description that timbre wrote, and type and shape of every input.

const GRAPH = 7, METADATA = 14; // of a ModelProto
const INPUTS = 11; // of a GraphProto
export const ARRAYS = { 1: Float32Array, 7: BigInt64Array, 9: Uint8Array, 11: Float64Array }; // by TensorProto.DataType
export const TYPES = { 1: "float32", 7: "int64", 9: "bool", 11: "float64" };

/** The fields of a message, each with its number and its content: a number, or bytes. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0, scale = 1, byte;
    do {
      byte = bytes[at++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    const tag = varint(), wire = tag & 7;
    if (wire === 0) {
      yield [tag >>> 3, varint()];
    } else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
      yield [tag >>> 3, bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

const all = (bytes, number) => [...fields(bytes)].filter(([found]) => found === number).map(([, content]) => content);
const one = (bytes, ...path) => path.reduce((message, number) => message && all(message, number)[0], bytes);
const text = (bytes) => new TextDecoder().decode(bytes);

/** The description that timbre wrote into a file, with `inputs`: name, type and shape of each. */
export function describe(bytes) {
  const told = all(bytes, METADATA).find((entry) => text(one(entry, 1)) === "timbre");
  const graph = one(bytes, GRAPH);
  if (!told || !graph) throw new Error("This is no model.onnx of timbre.");
  const inputs = all(graph, INPUTS).map((input) => {
    const tensor = one(input, 2, 1);
    const shape = all(one(tensor, 2) ?? new Uint8Array(), 1).map((dimension) => one(dimension, 1));
    return { name: text(one(input, 1)), type: one(tensor, 1), shape };
  });
  return { ...JSON.parse(text(one(told, 2))), inputs };
}
