"""The ONNX target: a network's stream as a graph without branches, one hop a call, its state given and taken."""
