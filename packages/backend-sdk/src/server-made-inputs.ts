import type { DataType, ModelConfig, ModelSequenceBatchingControl } from '@nereid/protocol/model-config';

/** An input of the model that no request carries: the server makes it. */
export interface ServerMadeInput {
  readonly name: string;
  /** What makes it, for messages: `sequence control`, `input state`, `batch input`. */
  readonly role: string;
  readonly dataType: DataType;
}

/** The inputs that the batchers make: sequence controls, states and batch inputs. */
export function serverMadeInputs(config: ModelConfig): readonly ServerMadeInput[] {
  const sequence = config.sequence_batching;
  const controls = sequence?.control_input ?? [];
  return [
    ...controls.flatMap(({ name, control }) =>
      control.map((c) => ({ name, role: 'sequence control', dataType: controlDataType(c) })),
    ),
    ...(sequence?.state ?? []).map((state) => ({
      name: state.input_name,
      role: 'input state',
      dataType: state.data_type,
    })),
    ...config.batch_input.flatMap(({ target_name: names, data_type: dataType }) =>
      names.map((name) => ({ name, role: 'batch input', dataType })),
    ),
  ];
}

function controlDataType(control: ModelSequenceBatchingControl): DataType {
  if (control.kind === 'CONTROL_SEQUENCE_CORRID') return control.data_type;
  if (control.int32_false_true.length > 0) return 'TYPE_INT32';
  return control.fp32_false_true.length > 0 ? 'TYPE_FP32' : 'TYPE_BOOL';
}
