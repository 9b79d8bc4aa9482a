export { pythonBackend as default } from './python-backend.ts';
