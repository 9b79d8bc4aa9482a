/** What collect.py writes: the tests and the bytes of their tensors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Datatype, Tensor } from '@nereid/protocol';

/** One test of ONNX's suite. */
export interface NodeTest {
  /** Also the name of its model. */
  readonly name: string;
  readonly sets: readonly DataSet[];
  /** Why the protocol can't carry it. */
  readonly reason?: string;
}

/** A request and the answer it must get. */
export interface DataSet {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

interface WrittenTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

interface WrittenTest {
  readonly name: string;
  readonly sets: readonly {
    readonly inputs: readonly WrittenTensor[];
    readonly outputs: readonly WrittenTensor[];
  }[];
  readonly reason?: string;
}

/** Reads the tests that collect.py left in a folder. */
export function readNodeTests(folder: string): readonly NodeTest[] {
  const bytes = readFileSync(join(folder, 'tensors.bin'));
  const written: readonly WrittenTest[] = JSON.parse(readFileSync(join(folder, 'tests.json'), 'utf8'));
  const tensor = ({ name, datatype, shape, offset, size }: WrittenTensor): Tensor => ({
    name,
    datatype,
    shape,
    data: bytes.subarray(offset, offset + size),
  });
  return written.map(({ sets, ...test }) => ({
    ...test,
    sets: sets.map(({ inputs, outputs }) => ({ inputs: inputs.map(tensor), outputs: outputs.map(tensor) })),
  }));
}
