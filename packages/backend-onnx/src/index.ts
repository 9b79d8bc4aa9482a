export { onnxBackend as default } from './onnx-backend.ts';
