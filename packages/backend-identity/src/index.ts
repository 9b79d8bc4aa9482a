export { identityBackend as default } from './identity-backend.ts';
