// An operation that TensorFlow does not have, for models with libraries of operations.
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace {

REGISTER_OP("NereidTriple")
    .Input("x: float")
    .Output("y: float")
    .SetShapeFn(tensorflow::shape_inference::UnchangedShape);

class TripleOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    tensorflow::Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    y->flat<float>() = x.flat<float>() * 3.0f;
  }
};

REGISTER_KERNEL_BUILDER(Name("NereidTriple").Device(tensorflow::DEVICE_CPU), TripleOp);

}  // namespace
