import type { Refusal, Schemas } from '$lib/api/api';
import type { Mark } from '$lib/editor/Editor.svelte';

// compileMarks returns where a source does not compile.
export function compileMarks({ message, problem }: Refusal): Mark[] {
  if (!problem.line) return [];
  const hint = problem.hint ? ` ${problem.hint}` : '';
  return [{ line: problem.line, column: problem.column, message: message + hint, severity: 'error' }];
}

// warningMarks returns what compiles and will not work.
export function warningMarks(warnings: Schemas['Warning'][] = []): Mark[] {
  return warnings.map(({ line, column, message }) => ({ line, column, message, severity: 'warning' }));
}
