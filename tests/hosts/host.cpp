// A host without a window: loads exported files and plays sound through them as nn~, RAVE-VST and Neutone do.
//
// Reads commands from standard input, one a line, a word and then key=value:
//   load model=a file=model.ts         an instance by the name of `a`; what ends in .nm is a Neutone file
//   get model=a name=temperature       an attribute, as nn~ reads it
//   set model=a name=temperature value=0.5    nn~: by the type codes; Neutone: knob 0 to 3, value 0 to 1
//   reset model=a
//   play model=a methods=encode,decode in=in.raw rows=1 out=out.raw buffer=2048 blocks=64,480
//     nn~: a ring buffer before each method; worker=1: its thread; exact=1: the buffer as it is, legal or not
//     Neutone: buffer is the block that the plug-in is told, at rate=48000. RAVE-VST: vst=1
//   play model=a,b ...                 both at once, block by block in turn; threads=1: each in a thread of its own
// Raw files hold float32 rows, one after the other: the channels of the first sound of a batch, then of the next.
// Answers with JSON, a line for each instance that a command concerns. An error is a line of its own; the host goes on.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <thread>

// In place of torch/script.h, which brings every operator of torch and takes longer to compile.
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

using at::Tensor;
using Words = std::map<std::string, std::string>;
using Rows = std::vector<std::deque<float>>;
using Unit = std::function<Tensor(const Tensor &)>; // [rows, buffer] -> [rows, buffer]

std::string json(const std::string &text) {
  std::ostringstream out;
  for (const unsigned char letter : text) {
    if (letter == '"' || letter == '\\') out << '\\' << letter;
    else if (letter < ' ') out << "\\u00" << "01"[letter >> 4] << "0123456789abcdef"[letter & 15];
    else out << letter;
  }
  return '"' + out.str() + '"';
}

std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(part);
  return parts;
}

// One loaded file.
struct Model {
  torch::jit::Module module;
  bool neutone = false;
  Tensor knobs; // of Neutone: [4]

  bool has(const std::string &name) const { return module.find_method(name).has_value(); }
  c10::IValue call(const std::string &name, std::vector<c10::IValue> with = {}) {
    return module.get_method(name)(std::move(with));
  }

  // nn~ asks for the methods, else takes those that have parameters.
  std::vector<std::string> names(const std::string &of) {
    std::vector<std::string> found;
    if (has(of))
      for (const c10::IValue &name : call(of).toListRef()) found.push_back(name.toStringRef());
    return found;
  }
  std::vector<int64_t> numbers(const std::string &buffer) {
    const Tensor values = module.attr(buffer).toTensor().to(at::kLong).contiguous();
    return {values.data_ptr<int64_t>(), values.data_ptr<int64_t>() + values.numel()};
  }

  std::string get(const std::string &name) {
    const c10::IValue got = call("get_" + name);
    const std::vector<c10::IValue> values = got.isTuple()  ? got.toTupleRef().elements().vec()
                                            : got.isList() ? got.toListRef().vec()
                                                           : std::vector<c10::IValue>{got};
    const std::vector<int64_t> types = numbers(name + "_params");
    std::string text;
    for (size_t i = 0; i < types.size(); ++i) {
      if (i > 0) text += ' ';
      switch (types[i]) {
      case 0: text += values.at(i).toBool() ? "true" : "false"; break;
      case 1: text += std::to_string(values.at(i).toInt()); break;
      case 2: text += std::to_string(values.at(i).to<float>()); break;
      case 3: text += values.at(i).toStringRef(); break;
      default: throw std::runtime_error(name + " has a type nn~ does not know");
      }
    }
    return text;
  }

  // Pure Data hands numbers on as std::to_string writes them, so 1 arrives as 1.000000.
  void set(const std::string &name, const std::string &text) {
    if (neutone) {
      knobs[std::stol(name)] = std::stof(text);
      return;
    }
    const std::vector<std::string> given = split(text, ',');
    const std::vector<int64_t> types = numbers(name + "_params");
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < types.size(); ++i) {
      char *end = nullptr;
      const float number = std::strtof(given.at(i).c_str(), &end);
      const std::string word = *end == 0 ? std::to_string(number) : given.at(i);
      switch (types[i]) {
      case 0: values.emplace_back(word != "false" && word != "0"); break;
      case 1: values.emplace_back(static_cast<int64_t>(std::stoi(word))); break;
      case 2: values.emplace_back(static_cast<double>(std::stof(word))); break;
      case 3: values.emplace_back(word); break;
      default: throw std::runtime_error(name + " has a type nn~ does not know");
      }
    }
    if (call("set_" + name, values).toInt() != 0) throw std::runtime_error("the setter of " + name + " refused");
  }

  void reset() { call("reset"); }
};

// Gathers whole buffers from blocks of any size, has them played and gives back as many samples as came in.
// It is late by no more than it must: the buffer without `step`, which divides the buffer and every block. With a
// worker, which plays one buffer while the next is gathered, by a buffer more.
class Ring {
public:
  Ring(Unit unit, int64_t in_rows, int64_t out_rows, int64_t buffer, int64_t step, bool worker)
      : delay(buffer - step + (worker ? buffer : 0)), unit_(std::move(unit)), buffer_(buffer), worker_(worker),
        in_(in_rows), out_(out_rows, std::deque<float>(delay, 0.0F)) {}

  Rows play(const Rows &block) {
    for (size_t sample = 0; sample < block.at(0).size(); ++sample) {
      for (size_t row = 0; row < in_.size(); ++row) in_[row].push_back(block.at(row)[sample]);
      if (static_cast<int64_t>(in_[0].size()) == buffer_) gathered();
    }
    Rows played(out_.size());
    for (size_t row = 0; row < out_.size(); ++row) {
      const auto end = out_[row].begin() + static_cast<std::ptrdiff_t>(block.at(0).size());
      played[row].assign(out_[row].begin(), end);
      out_[row].erase(out_[row].begin(), end);
    }
    return played;
  }

  const int64_t delay;
  std::vector<double> milliseconds;
  std::vector<std::string> errors;

private:
  void gathered() {
    std::vector<std::vector<float>> buffers;
    for (auto &row : in_) buffers.emplace_back(row.begin(), row.end()), row.clear();
    if (!worker_) return put(perform(std::move(buffers)));
    if (working_.valid()) put(working_.get());
    working_ = std::async(std::launch::async, [this, buffers] { return perform(buffers); });
  }

  Tensor perform(std::vector<std::vector<float>> buffers) {
    const c10::InferenceMode guard;
    std::vector<Tensor> channels;
    for (auto &buffer : buffers) channels.push_back(at::from_blob(buffer.data(), {1, buffer_}));
    const Tensor heard = at::cat(channels);
    const auto start = std::chrono::steady_clock::now();
    Tensor played;
    try {
      played = unit_(heard);
      if (played.size(0) != static_cast<int64_t>(out_.size()) || played.size(1) != buffer_)
        throw std::runtime_error("the model played another number of samples than the host asked for");
    } catch (const std::exception &error) {
      errors.emplace_back(error.what());
      played = at::zeros({static_cast<int64_t>(out_.size()), buffer_});
    }
    milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    return played.contiguous().clone();
  }

  void put(const Tensor &played) {
    for (size_t row = 0; row < out_.size(); ++row) {
      const float *from = played.data_ptr<float>() + static_cast<int64_t>(row) * buffer_;
      out_[row].insert(out_[row].end(), from, from + buffer_);
    }
  }

  Unit unit_;
  int64_t buffer_;
  bool worker_;
  Rows in_, out_;
  std::future<Tensor> working_; // the last member, so that it ends first
};

// An instance playing one file: a ring for each method, as with objects patched one after the other.
class Player {
public:
  Player(Model &model, const std::string &name, const Words &words) : name_(name), out_path_(words.at("out")) {
    for (const std::string &block : split(words.at("blocks"), ',')) blocks_.push_back(std::stol(block));
    const int64_t step = std::accumulate(blocks_.begin(), blocks_.end(), int64_t{0}, std::gcd<int64_t, int64_t>);
    const bool worker = words.contains("worker");
    int64_t rows = std::stol(words.at("rows")), buffer = std::stol(words.at("buffer"));
    read(words.at("in"), rows);
    if (model.neutone) {
      // A plug-in is told one block size and gathers it where the host's differ.
      model.call("set_daw_sample_rate_and_buffer_size", {std::stol(words.at("rate")), buffer});
      model.reset();
      delay_ = buffer - std::gcd(buffer, step) + model.call("calc_buffering_delay_samples").toInt() +
               model.call("calc_model_delay_samples").toInt();
      const Unit unit = [&model, buffer](const Tensor &heard) {
        return model.call("forward", {heard, model.knobs.unsqueeze(1).repeat({1, buffer})}).toTensor();
      };
      rings_.push_back(std::make_unique<Ring>(unit, rows, rows, buffer, std::gcd(buffer, step), worker));
    } else if (words.contains("vst")) {
      vst(model, rows, buffer, std::gcd(buffer, step), worker);
    } else {
      nn(model, words, rows, buffer, step, worker);
    }
    out_.resize(rows);
  }

  bool done() const { return static_cast<int64_t>(out_[0].size()) >= samples_; }

  void turn() {
    const int64_t block = blocks_[turns_++ % blocks_.size()];
    const int64_t at = static_cast<int64_t>(out_[0].size());
    Rows sound(in_.size());
    for (size_t row = 0; row < in_.size(); ++row) {
      const auto from = in_[row].begin();
      sound[row].assign(from + std::min(at, samples_), from + std::min(at + block, samples_));
      sound[row].resize(block, 0.0F);
    }
    for (const auto &ring : rings_) sound = ring->play(sound);
    for (size_t row = 0; row < out_.size(); ++row)
      out_[row].insert(out_[row].end(), sound[row].begin(), sound[row].end());
  }

  void finish(bool named) {
    std::ofstream file(named ? out_path_ + "." + name_ : out_path_, std::ios::binary);
    for (const auto &row : out_)
      file.write(reinterpret_cast<const char *>(row.data()), samples_ * static_cast<int64_t>(sizeof(float)));
    const Ring &last = *rings_.back();
    std::vector<double> times(last.milliseconds);
    std::sort(times.begin(), times.end());
    const auto part = [&times](double share) {
      return times.empty() ? 0.0 : times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
    };
    std::string error;
    for (const auto &ring : rings_)
      if (!ring->errors.empty()) error = ring->errors.front();
    std::cout << "{\"model\": " << json(name_) << ", \"delay\": " << delay_ << ", \"rows\": " << out_.size()
              << ", \"calls\": " << times.size() << ", \"first_ms\": " << (times.empty() ? 0.0 : last.milliseconds[0])
              << ", \"median_ms\": " << part(0.5) << ", \"p99_ms\": " << part(0.99) << ", \"error\": " << json(error)
              << "}" << std::endl;
  }

private:
  void read(const std::string &path, int64_t rows) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error("cannot read " + path);
    samples_ = static_cast<int64_t>(file.tellg()) / static_cast<int64_t>(sizeof(float)) / rows;
    file.seekg(0);
    in_.assign(rows, std::vector<float>(samples_));
    for (auto &row : in_)
      file.read(reinterpret_cast<char *>(row.data()), samples_ * static_cast<int64_t>(sizeof(float)));
  }

  // nn~: of inputs slower than audio it hears the last sample of each, slower outputs are repeated.
  void nn(Model &model, const Words &words, int64_t &rows, int64_t buffer, int64_t step, bool worker) {
    int64_t highest = 1;
    for (const std::string &method : model.names("get_methods")) {
      const auto of = model.numbers(method + "_params");
      highest = std::max({highest, of.at(1), of.at(3)});
    }
    while (!words.contains("exact") && (buffer < highest || (buffer & (buffer - 1)) != 0)) ++buffer;
    step = std::gcd(buffer, step);
    for (const std::string &method : split(words.at("methods"), ',')) {
      const auto of = model.numbers(method + "_params");
      const int64_t channels = of.at(0), in_ratio = of.at(1), out_channels = of.at(2), out_ratio = of.at(3);
      const int64_t batch = rows / channels;
      const Unit unit = [&model, method, channels, in_ratio, out_channels, out_ratio, batch](const Tensor &heard) {
        const Tensor last = heard.reshape({batch, channels, -1, in_ratio}).select(-1, in_ratio - 1);
        const Tensor played = model.call(method, {last}).toTensor().repeat_interleave(out_ratio);
        return played.reshape({batch * out_channels, -1});
      };
      rings_.push_back(std::make_unique<Ring>(unit, rows, batch * out_channels, buffer, step, worker));
      delay_ = delay_ / in_ratio * in_ratio + rings_.back()->delay;
      rows = batch * out_channels;
    }
    delay_ += model.module.attr("delay_samples").toInt();
  }

  // RAVE-VST: what the code leaves out is noise, another one at each side, and the sides are a batch.
  void vst(Model &model, int64_t &rows, int64_t buffer, int64_t step, bool worker) {
    int64_t full = 0;
    for (const auto &held : model.module.named_buffers())
      if (held.name == "_rave.latent_size") full = held.value.item<int64_t>();
    bool stereo = false;
    for (const auto &held : model.module.named_attributes())
      if (held.name == "_rave.stereo") stereo = held.value.toBool();
    const int64_t kept = model.numbers("decode_params").at(0);
    at::manual_seed(0);
    const Unit unit = [&model, full, stereo](const Tensor &heard) {
      Tensor code = model.call("encode", {heard.unsqueeze(0)}).toTensor();
      const int64_t missing = full - code.size(1);
      if (stereo && missing > 0) {
        const Tensor left = at::cat({code, at::randn({1, missing, code.size(2)})}, 1);
        code = at::cat({left, at::cat({code, at::randn({1, missing, code.size(2)})}, 1)});
      }
      const Tensor played = model.call("decode", {code}).toTensor();
      return played.size(0) == 2 ? played.squeeze(1) : played[0];
    };
    const int64_t out_rows = stereo && full > kept ? 2 : model.numbers("decode_params").at(2);
    rings_.push_back(std::make_unique<Ring>(unit, rows, out_rows, buffer, step, worker));
    delay_ = rings_.back()->delay + model.module.attr("delay_samples").toInt();
    rows = out_rows;
  }

  std::string name_, out_path_;
  std::vector<int64_t> blocks_;
  std::vector<std::vector<float>> in_, out_;
  std::vector<std::unique_ptr<Ring>> rings_;
  int64_t samples_ = 0, delay_ = 0;
  size_t turns_ = 0;
};

void describe(const std::string &name, Model &model) {
  std::cout << "{\"model\": " << json(name) << ", \"methods\": {";
  std::string comma;
  for (const std::string &method : model.names("get_methods")) {
    std::cout << comma << json(method) << ": [";
    comma.clear();
    for (const int64_t number : model.numbers(method + "_params")) std::cout << comma << number, comma = ", ";
    std::cout << "]";
  }
  std::cout << "}, \"attributes\": {";
  comma.clear();
  for (const std::string &attribute : model.names("get_attributes"))
    std::cout << comma << json(attribute) << ": " << json(model.get(attribute)), comma = ", ";
  std::cout << "}}" << std::endl;
}

void obey(const std::string &command, const Words &words, std::map<std::string, Model> &models) {
  if (command == "play") {
    const auto names = split(words.at("model"), ',');
    std::vector<std::unique_ptr<Player>> players;
    for (const auto &name : names) players.push_back(std::make_unique<Player>(models.at(name), name, words));
    std::vector<std::thread> threads;
    if (words.contains("threads"))
      for (auto &player : players) threads.emplace_back([&player] { while (!player->done()) player->turn(); });
    else
      while (!players.back()->done())
        for (auto &player : players) player->turn();
    for (auto &thread : threads) thread.join();
    for (auto &player : players) player->finish(names.size() > 1);
    return;
  }
  const std::string &name = words.at("model");
  if (command == "load") {
    const std::string &path = words.at("file");
    Model model{torch::jit::load(path), path.ends_with(".nm"), {}};
    if (model.neutone) model.knobs = model.call("get_default_param_values").toTensor().flatten();
    describe(name, models[name] = model);
  } else {
    Model &model = models.at(name);
    if (command == "set") model.set(words.at("name"), words.at("value"));
    else if (command == "reset") model.reset();
    else if (command != "get") throw std::runtime_error("no such command: " + command);
    const std::string value = command == "get" ? json(model.get(words.at("name"))) : "null";
    std::cout << "{\"model\": " << json(name) << ", \"value\": " << value << "}" << std::endl;
  }
}

int main() {
  at::set_num_threads(1);
  std::map<std::string, Model> models;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string command;
    in >> command;
    Words words;
    for (std::string word; in >> word;) words[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    try {
      obey(command, words, models);
    } catch (const std::exception &error) {
      std::cout << "{\"error\": " << json(error.what()) << "}" << std::endl;
    }
  }
}
