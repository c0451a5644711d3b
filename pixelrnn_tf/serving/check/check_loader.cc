// Load a SavedModel as TensorFlow Serving does, and run requests read from standard input.
//
// The server loads with LoadSavedModel({"serve"}) and Session::Run, after DisableXlaCompilation(). This program
// calls the same through TensorFlow's C API, without Python in its process. loader.py compiles and
// drives it.
//
//   check_loader FOLDER
//
// It answers "ready" or an error, then one request after the other, in text and raw little-endian bytes:
//
//   request:  run INPUTS OUTPUTS \n, a tensor for each input, NAME \n for each output
//   answer:   ok SECONDS OUTPUTS \n and a tensor for each output; or: error CODE BYTES \n MESSAGE
//   tensor:   NAME DTYPE RANK SIZE... BYTES \n CONTENTS
//
// NAME is a node and the number of its output, "node:0"; DTYPE is a number of TF_DataType. The contents of a string
// tensor are, for each string, its length in 8 bytes and its bytes.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

namespace tensorflow {
void DisableXlaCompilation();  // Declared in a header of the server; defined in TensorFlow's library.
}

namespace {

struct DeleteTensor {
  void operator()(TF_Tensor* tensor) const {
    if (TF_TensorType(tensor) == TF_STRING) {
      auto* strings = static_cast<TF_TString*>(TF_TensorData(tensor));
      for (int64_t k = 0; k < TF_TensorElementCount(tensor); ++k) TF_StringDealloc(&strings[k]);
    }
    TF_DeleteTensor(tensor);
  }
};
using Tensor = std::unique_ptr<TF_Tensor, DeleteTensor>;
using Status = std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)>;

[[noreturn]] void BadRequest(const std::string& what) {
  std::cerr << "check_loader: " << what << std::endl;
  std::exit(2);
}

void AnswerError(int code, const std::string& message) {
  std::cout << "error " << code << " " << message.size() << "\n" << message << std::flush;
}

std::string ReadBytes(size_t size) {
  std::string bytes(size, '\0');
  if (!std::cin.read(bytes.data(), size)) BadRequest("the input ended within a tensor");
  return bytes;
}

// Convert the strings of a tensor from and to their raw form.
void FillStrings(const std::string& bytes, int64_t count, TF_TString* strings) {
  size_t position = 0;
  for (int64_t k = 0; k < count; ++k) {
    uint64_t size = 0;
    if (position + sizeof size > bytes.size()) BadRequest("a string tensor is too short");
    std::memcpy(&size, bytes.data() + position, sizeof size);
    position += sizeof size;
    if (size > bytes.size() - position) BadRequest("a string is longer than its tensor");
    TF_StringInit(&strings[k]);
    TF_StringCopy(&strings[k], bytes.data() + position, size);
    position += size;
  }
}

std::string RawStrings(const TF_TString* strings, int64_t count) {
  std::string bytes;
  for (int64_t k = 0; k < count; ++k) {
    const uint64_t size = TF_StringGetSize(&strings[k]);
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes.append(TF_StringGetDataPointer(&strings[k]), size);
  }
  return bytes;
}

Tensor ReadTensor(std::string* name) {
  int dtype = 0, rank = 0;
  size_t size = 0;
  std::cin >> *name >> dtype >> rank;
  std::vector<int64_t> shape(rank);
  int64_t count = 1;
  for (int64_t& n : shape) {
    std::cin >> n;
    count *= n;
  }
  std::cin >> size;
  if (!std::cin || std::cin.get() != '\n') BadRequest("the head of a tensor is malformed");
  const std::string bytes = ReadBytes(size);
  const auto type = static_cast<TF_DataType>(dtype);
  const size_t allocated = type == TF_STRING ? count * sizeof(TF_TString) : size;
  Tensor tensor(TF_AllocateTensor(type, shape.data(), rank, allocated));
  if (type == TF_STRING) {
    FillStrings(bytes, count, static_cast<TF_TString*>(TF_TensorData(tensor.get())));
  } else {
    std::memcpy(TF_TensorData(tensor.get()), bytes.data(), size);
  }
  return tensor;
}

void WriteTensor(const std::string& name, const TF_Tensor* tensor) {
  const bool is_string = TF_TensorType(tensor) == TF_STRING;
  std::string strings;
  if (is_string) {
    strings = RawStrings(static_cast<const TF_TString*>(TF_TensorData(tensor)), TF_TensorElementCount(tensor));
  }
  const size_t size = is_string ? strings.size() : TF_TensorByteSize(tensor);
  std::cout << name << " " << TF_TensorType(tensor) << " " << TF_NumDims(tensor);
  for (int k = 0; k < TF_NumDims(tensor); ++k) std::cout << " " << TF_Dim(tensor, k);
  std::cout << " " << size << "\n";
  std::cout.write(is_string ? strings.data() : static_cast<const char*>(TF_TensorData(tensor)), size);
}

// Find the output of an operation by its name "node:0"; its operation is null if the graph has none.
TF_Output FindOutput(TF_Graph* graph, const std::string& name) {
  const size_t colon = name.rfind(':');
  if (colon == std::string::npos) BadRequest("a tensor name has no colon: " + name);
  return {TF_GraphOperationByName(graph, name.substr(0, colon).c_str()), std::stoi(name.substr(colon + 1))};
}

void AnswerRequest(TF_Session* session, TF_Graph* graph) {
  int inputs = 0, outputs = 0;
  std::cin >> inputs >> outputs;
  std::vector<Tensor> owned;
  std::vector<TF_Tensor*> fed;
  std::vector<TF_Output> feeds, fetches;
  std::vector<std::string> names(outputs);
  std::string name, unknown;
  for (int k = 0; k < inputs; ++k) {
    owned.push_back(ReadTensor(&name));
    fed.push_back(owned.back().get());
    feeds.push_back(FindOutput(graph, name));
    if (feeds.back().oper == nullptr) unknown = name;
  }
  for (std::string& output : names) {
    std::cin >> output;
    fetches.push_back(FindOutput(graph, output));
    if (fetches.back().oper == nullptr) unknown = output;
  }
  if (!unknown.empty()) return AnswerError(TF_NOT_FOUND, "the graph has no " + unknown);

  Status status(TF_NewStatus(), TF_DeleteStatus);
  std::vector<TF_Tensor*> fetched(outputs, nullptr);
  const auto start = std::chrono::steady_clock::now();
  TF_SessionRun(session, nullptr, feeds.data(), fed.data(), inputs, fetches.data(), fetched.data(), outputs, nullptr, 0,
                nullptr, status.get());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (TF_GetCode(status.get()) != TF_OK) return AnswerError(TF_GetCode(status.get()), TF_Message(status.get()));
  std::cout << "ok " << elapsed.count() << " " << outputs << "\n";
  for (int k = 0; k < outputs; ++k) {
    WriteTensor(names[k], fetched[k]);
    TF_DeleteTensor(fetched[k]);
  }
  std::cout << std::flush;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) BadRequest("usage: check_loader FOLDER");
  tensorflow::DisableXlaCompilation();
  Status status(TF_NewStatus(), TF_DeleteStatus);
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, nullptr, argv[1], tags, 1, graph, nullptr, status.get());
  if (TF_GetCode(status.get()) != TF_OK) {
    AnswerError(TF_GetCode(status.get()), TF_Message(status.get()));
    return 1;
  }
  std::cout << "ready\n" << std::flush;
  std::string word;
  while (std::cin >> word) {
    if (word != "run") BadRequest("unknown request: " + word);
    AnswerRequest(session, graph);
  }
  TF_CloseSession(session, status.get());
  TF_DeleteSession(session, status.get());
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  return 0;
}
