// The operator pde_ops::fixed_layer for OpenVINO: a library for `Core::add_extension`, which knows it by the name it has
// in an ONNX file and in OpenVINO's own files.
#include <cstdlib>
#include <memory>
#include <openvino/core/extension.hpp>
#include <openvino/core/op_extension.hpp>
#include <openvino/frontend/onnx/extension/op.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/op.hpp>

#include "layer.h"

namespace {

class FixedLayer : public ov::op::Op {
 public:
  OPENVINO_OP("FixedLayer", "pde.layers");

  FixedLayer() = default;
  explicit FixedLayer(const ov::OutputVector& inputs) : Op(inputs) { constructor_validate_and_infer_types(); }
  FixedLayer(const ov::OutputVector& inputs, const FixedLayer& like)
      : Op(inputs), times_(like.times_), whole_(like.whole_), numbers_(like.numbers_) {
    constructor_validate_and_infer_types();
  }

  void validate_and_infer_types() override {
    if (whole_.empty()) read_settings();
    set_output_type(0, get_input_element_type(0), get_input_partial_shape(0));
  }
  std::shared_ptr<ov::Node> clone_with_new_inputs(const ov::OutputVector& inputs) const override {
    return std::make_shared<FixedLayer>(inputs, *this);
  }
  bool visit_attributes(ov::AttributeVisitor&) override { return true; }
  bool has_evaluate() const override { return true; }

  bool evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const override {
    const ov::Shape x = inputs[0].get_shape(), weight = inputs[1].get_shape();
    outputs[0].set_shape(x);
    const pde::Shape s{size(x[0]), size(x[1]), size(x[2]), size(x[3]), size(weight[0]), size(weight[4]), times_};
    const auto data = [&](std::size_t place) { return static_cast<const float*>(inputs[place].data()); };
    pde::run_fixed_layer(s, data(0), data(1), data(2), data(3), data(4), whole_.data(), numbers_.data(), threads(), false,
                         outputs[0].data<float>());
    return true;
  }

 private:
  // Read once: OpenVINO's plugin for CPUs later makes 32-bit numbers of them.
  std::int64_t times_ = 0;
  std::vector<std::int64_t> whole_;
  std::vector<double> numbers_;

  void read_settings() {
    const auto value = [&](std::size_t place) {
      const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(get_input_node_shared_ptr(place));
      NODE_VALIDATION_CHECK(this, constant, "its input ", place, " must be a constant");
      return constant;
    };
    const ov::Shape times = value(4)->get_shape();  // a single number stands for none
    times_ = times.empty() ? 0 : size(times[0]);
    whole_ = value(5)->cast_vector<std::int64_t>();
    numbers_ = value(6)->cast_vector<double>();
  }
  static std::int64_t size(std::size_t number) { return std::int64_t(number); }
  // One thread, as a stream with one would have, unless the environment allows OpenMP more.
  static int threads() { return std::getenv("OMP_NUM_THREADS") ? pde::openmp_threads() : 1; }
};

}  // namespace

OPENVINO_CREATE_EXTENSIONS(std::vector<ov::Extension::Ptr>(
    {std::make_shared<ov::OpExtension<FixedLayer>>(),
     std::make_shared<ov::frontend::onnx::OpExtension<FixedLayer>>("FixedLayer", "pde.layers")}));
