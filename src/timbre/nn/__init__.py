"""Layers that stream.

Each has `forward(x)`, the whole signal; `step(x, state) -> (y, state)`, the next block of it; `initial_state(batch)`,
the state of a stream that has heard nothing; and `delay`, in samples of its own output. The law, proved by test:
stepping through any blocks gives `forward`, later by `delay`. A state is a list of tensors, batch first.

Convolutional layers hear [batch, channels, samples] in `forward`, on which torch's convolutions are fast, and rows
[batch, samples, channels] in `step`, where each is one matrix product. They know how late the stream they hear is
(`late`), their own delay included in `delay`, and the length of their state list (`states`).
"""
