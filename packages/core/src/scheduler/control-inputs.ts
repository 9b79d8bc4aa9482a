import {
  datatypeByteSize,
  encodeBytesTensor,
  fromConfigDatatype,
  InferenceServerError,
  type Datatype,
  type SequenceFields,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig, ModelSequenceBatchingControl } from '@nereid/protocol/model-config';
import { requestIdPrefix, type InferenceRequest } from '../request/inference-request.ts';

/** What a model is told of its place in a sequence. */
export interface ControlSignals extends SequenceFields {
  /** False for a row of a batch whose sequence has no request in it. */
  readonly ready: boolean;
}

/** The signals of a row that nobody uses. */
export const NOT_READY: ControlSignals = { id: 0, start: false, end: false, ready: false };

/** The control tensors of a model. */
export interface ControlInputs {
  /** Whether correlation IDs reach the model as strings. */
  readonly takesString: boolean;
  /** Makes the tensors of one row. */
  create(signals: ControlSignals): readonly Tensor[];
  /**
   * Checks that the model can be told the correlation ID of a request.
   *
   * @throws InferenceServerError INVALID_ARG for a string where the model takes a number, and the reverse (SCH-19).
   */
  checkId(request: InferenceRequest, id: SequenceFields['id']): void;
}

type Maker = (signals: ControlSignals) => Tensor;

/** The control inputs that a configuration asks for (CFG-20), as tensors of one row. */
export function createControlInputs(config: ModelConfig): ControlInputs {
  const shape = config.max_batch_size > 0 ? [1, 1] : [1];
  const inputs = config.sequence_batching?.control_input ?? [];
  const controls = inputs.flatMap(({ name, control }) => control.map((each) => ({ name, control: each })));
  const makers = controls.map(({ name, control }) => createControl(name, control, shape));
  const idInput = controls.find(({ control }) => control.kind === 'CONTROL_SEQUENCE_CORRID');
  const takesString = idInput?.control.data_type === 'TYPE_STRING';
  return {
    takesString,
    create: (signals) => makers.map((make) => make(signals)),
    checkId: (request, id) => {
      if (idInput === undefined || takesString === (typeof id === 'string')) return;
      throw new InferenceServerError(
        'INVALID_ARG',
        `${requestIdPrefix(request.id)}inference request to model '${request.modelName}' has the correlation ID ` +
          `${JSON.stringify(String(id))}, a ${typeof id === 'string' ? 'string' : 'number'}, but control input ` +
          `'${idInput.name}' of the model takes ${takesString ? 'strings' : `numbers (${idInput.control.data_type})`}`,
      );
    },
  };
}

function createControl(name: string, control: ModelSequenceBatchingControl, shape: readonly number[]): Maker {
  if (control.kind === 'CONTROL_SEQUENCE_CORRID') {
    const datatype = fromConfigDatatype(control.data_type) ?? 'UINT64';
    return ({ id, ready }) => ({ name, datatype, shape, data: encodeId(ready ? id : undefined, datatype) });
  }
  const [no, yes] = encodeFlag(control);
  const make = (flag: boolean): Tensor => ({
    name,
    datatype: flagDatatype(control),
    shape,
    data: flag ? yes : no,
  });
  const on = make(true);
  const off = make(false);
  const signal = SIGNALS[control.kind];
  return (signals) => (signals[signal] ? on : off);
}

const SIGNALS = {
  CONTROL_SEQUENCE_START: 'start',
  CONTROL_SEQUENCE_END: 'end',
  CONTROL_SEQUENCE_READY: 'ready',
} as const;

function flagDatatype(control: ModelSequenceBatchingControl): Datatype {
  if (control.int32_false_true.length > 0) return 'INT32';
  return control.fp32_false_true.length > 0 ? 'FP32' : 'BOOL';
}

function encodeFlag(control: ModelSequenceBatchingControl): readonly [Uint8Array, Uint8Array] {
  const encode = (at: 0 | 1): Uint8Array => {
    if (control.int32_false_true.length > 0)
      return bytesOf(new Int32Array([control.int32_false_true[at] ?? at]));
    if (control.fp32_false_true.length > 0)
      return bytesOf(new Float32Array([control.fp32_false_true[at] ?? at]));
    return new Uint8Array([Number(control.bool_false_true[at] ?? at === 1)]);
  };
  return [encode(0), encode(1)];
}

function bytesOf({ buffer }: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer);
}

/** Narrower types get the low bytes (SCH-19); without an id it is 0 or the empty string. */
function encodeId(id: SequenceFields['id'] | undefined, datatype: Datatype): Uint8Array {
  if (datatype === 'BYTES') return encodeBytesTensor([String(id ?? '')]);
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(id ?? 0)), true);
  return data.subarray(0, datatypeByteSize(datatype));
}
