// Between the sound card, which wants 128 samples at a time, and the model, which wants whole hops and takes its time.

class Stream extends AudioWorkletProcessor {
  constructor({ processorOptions: { channels, hop, lead } }) {
    super();
    this.channels = channels;
    this.hop = hop;
    // What is to be played: it begins with so much silence, which is the time that the model has.
    this.lead = lead;
    this.size = 16 * (lead + hop);
    this.ready = Array.from({ length: channels }, () => new Float32Array(this.size));
    this.from = 0;
    this.held = lead;
    this.begin();
    this.peaks = [0, 0];
    this.starved = false;
    this.gaps = 0;
    this.load = 0;
    this.calls = 0;
    // Options carry no ports, a message does: the one to the worker in which the model is.
    this.port.onmessage = ({ data }) => {
      this.model = data.model;
      this.model.onmessage = ({ data }) => this.receive(data);
    };
  }

  begin() {
    this.block = new Float32Array(this.channels * this.hop);
    this.filled = 0;
  }

  receive({ block, milliseconds }) {
    const load = milliseconds / ((1000 * this.hop) / sampleRate);
    this.load += 0.05 * (load - this.load);
    // After a gap more would lie here than is wanted, and the sound would stay late: that much is left out.
    const over = this.held + this.hop - this.lead;
    if (over > 0) {
      this.from = (this.from + over) % this.size;
      this.held -= over;
    }
    for (let channel = 0; channel < this.channels; channel++) {
      for (let sample = 0; sample < this.hop; sample++) {
        this.ready[channel][(this.from + this.held + sample) % this.size] = block[channel * this.hop + sample];
      }
    }
    this.held += this.hop;
  }

  process([input], [output]) {
    if (!this.model) return true;
    const samples = output[0].length;
    for (let sample = 0; sample < samples; sample++) {
      for (let channel = 0; channel < this.channels; channel++) {
        const heard = input.length ? input[Math.min(channel, input.length - 1)][sample] : 0;
        this.block[channel * this.hop + this.filled] = heard;
        this.peaks[0] = Math.max(this.peaks[0], Math.abs(heard));
      }
      this.filled += 1;
      if (this.filled === this.hop) {
        this.model.postMessage(this.block, [this.block.buffer]);
        this.begin();
      }
    }
    const starved = this.held < samples;
    if (starved) {
      this.gaps += this.starved ? 0 : 1;
    } else {
      for (let channel = 0; channel < output.length; channel++) {
        const played = this.ready[Math.min(channel, this.channels - 1)];
        for (let sample = 0; sample < samples; sample++) {
          output[channel][sample] = played[(this.from + sample) % this.size];
          this.peaks[1] = Math.max(this.peaks[1], Math.abs(output[channel][sample]));
        }
      }
      this.from = (this.from + samples) % this.size;
      this.held -= samples;
    }
    this.starved = starved;
    this.calls += 1;
    if (this.calls % 16 === 0) {
      this.port.postMessage({ peaks: this.peaks, gaps: this.gaps, load: this.load });
      this.peaks = [0, 0];
    }
    return true;
  }
}

registerProcessor("timbre-stream", Stream);
