/** That there is no such interpreter, and what to do. */
export function describeMissingPython(interpreter: string): string {
  return (
    `there is no Python '${interpreter}': install it, or name another with --backend-config=python,interpreter=<path> ` +
    `or the model's parameter PYTHON_INTERPRETER`
  );
}
