// Test double of TensorFlow Lite's generated flatbuffer classes: the part of a model that names its
// operators. A class here lies over the file's bytes, as the real ones do. Format: FlatBuffers,
// "Internals": a table starts with the distance back to its vtable, whose entries are the fields'
// offsets; a vector or string starts with its length.
#ifndef TFLM_DOUBLE_SCHEMA_GENERATED_H
#define TFLM_DOUBLE_SCHEMA_GENERATED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace tflite {

enum BuiltinOperator : int32_t {
    BuiltinOperator_ADD = 0,
    BuiltinOperator_CONV_2D = 3,
    BuiltinOperator_FULLY_CONNECTED = 9,
    BuiltinOperator_MAX_POOL_2D = 17,
    BuiltinOperator_RESHAPE = 22,
    BuiltinOperator_SOFTMAX = 25,
    BuiltinOperator_CUSTOM = 32
};

namespace double_flatbuffers {

template <typename T>
T read(const void *at) {
    T value;
    memcpy(&value, at, sizeof value);
    return value;
}

template <typename T>
const T *follow(const uint8_t *at) {
    return reinterpret_cast<const T *>(at + read<uint32_t>(at));
}

class Table {
  protected:
    // The field's place, or nullptr where the file leaves it out.
    const uint8_t *field(uint16_t number) const {
        const uint8_t *table = reinterpret_cast<const uint8_t *>(this);
        const uint8_t *vtable = table - read<int32_t>(table);
        size_t entry = 4u + 2u * number;
        uint16_t offset = entry < read<uint16_t>(vtable) ? read<uint16_t>(vtable + entry) : 0;
        return offset == 0 ? nullptr : table + offset;
    }

    template <typename T>
    T scalar(uint16_t number) const {
        return field(number) == nullptr ? T{} : read<T>(field(number));
    }

    template <typename T>
    const T *pointer(uint16_t number) const {
        return field(number) == nullptr ? nullptr : follow<T>(field(number));
    }
};

class String {
  public:
    const char *c_str() const {
        return reinterpret_cast<const char *>(this) + 4;
    }
};

template <typename T>
class VectorOfTables {
  public:
    uint32_t size() const {
        return read<uint32_t>(this);
    }
    const T *Get(uint32_t index) const {
        return follow<T>(reinterpret_cast<const uint8_t *>(this) + 4 + 4 * index);
    }
};

} // namespace double_flatbuffers

class OperatorCode : private double_flatbuffers::Table {
  public:
    int8_t deprecated_builtin_code() const {
        return scalar<int8_t>(0);
    }
    const double_flatbuffers::String *custom_code() const {
        return pointer<double_flatbuffers::String>(1);
    }
    BuiltinOperator builtin_code() const {
        return static_cast<BuiltinOperator>(scalar<int32_t>(3));
    }
};

class Operator : private double_flatbuffers::Table {
  public:
    uint32_t opcode_index() const {
        return scalar<uint32_t>(0);
    }
};

class SubGraph : private double_flatbuffers::Table {
  public:
    const double_flatbuffers::VectorOfTables<Operator> *operators() const {
        return pointer<double_flatbuffers::VectorOfTables<Operator>>(3);
    }
};

class Model : private double_flatbuffers::Table {
  public:
    uint32_t version() const {
        return scalar<uint32_t>(0);
    }
    const double_flatbuffers::VectorOfTables<OperatorCode> *operator_codes() const {
        return pointer<double_flatbuffers::VectorOfTables<OperatorCode>>(1);
    }
    const double_flatbuffers::VectorOfTables<SubGraph> *subgraphs() const {
        return pointer<double_flatbuffers::VectorOfTables<SubGraph>>(2);
    }
};

// The real one takes both on trust, and a board then stops in a fault.
inline const Model *GetModel(const void *buffer) {
    bool aligned = reinterpret_cast<uintptr_t>(buffer) % 16 == 0;
    if (!aligned || memcmp(static_cast<const char *>(buffer) + 4, "TFL3", 4) != 0)
        abort();
    return double_flatbuffers::follow<Model>(static_cast<const uint8_t *>(buffer));
}

} // namespace tflite

#endif
