/**
 * Model configurations from text and from some of their fields. All of it is in the main entry, too; a backend that
 * needs it only for some models imports it from here when it does, which spares other servers the format's descriptors.
 *
 * @module
 */
export {
  createModelConfig,
  parseModelConfigJson,
  type Init,
  type ModelConfig,
} from '@nereid/protocol/model-config';
