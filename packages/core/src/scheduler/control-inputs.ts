import {
  datatypeByteSize,
  encodeBytesTensor,
  fromConfigDatatype,
  type Datatype,
  type SequenceFields,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig, ModelSequenceBatchingControl } from '@nereid/protocol/model-config';

/** Makes the control tensors of a request: what tells a model where in its sequence it is. */
export type ControlInputs = (sequence: SequenceFields, isStart: boolean, isEnd: boolean) => readonly Tensor[];

/** The control inputs that a configuration asks for (CFG-20), as tensors of one row. */
export function createControlInputs(config: ModelConfig): ControlInputs {
  const shape = config.max_batch_size > 0 ? [1, 1] : [1];
  const makers = (config.sequence_batching?.control_input ?? []).flatMap(({ name, control }) =>
    control.map((kind) => createControl(name, kind, shape)),
  );
  return (sequence, isStart, isEnd) => makers.map((make) => make(sequence, isStart, isEnd));
}

function createControl(
  name: string,
  control: ModelSequenceBatchingControl,
  shape: readonly number[],
): (sequence: SequenceFields, isStart: boolean, isEnd: boolean) => Tensor {
  if (control.kind === 'CONTROL_SEQUENCE_CORRID') {
    const datatype = fromConfigDatatype(control.data_type) ?? 'UINT64';
    return ({ id }) => ({ name, datatype, shape, data: encodeId(id, datatype) });
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
  if (control.kind === 'CONTROL_SEQUENCE_START') return (_, isStart) => (isStart ? on : off);
  if (control.kind === 'CONTROL_SEQUENCE_END') return (_, __, isEnd) => (isEnd ? on : off);
  return () => on;
}

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

/** Narrower types get the low bytes (SCH-19). */
function encodeId(id: SequenceFields['id'], datatype: Datatype): Uint8Array {
  if (datatype === 'BYTES') return encodeBytesTensor([String(id)]);
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(id)), true);
  return data.subarray(0, datatypeByteSize(datatype));
}
