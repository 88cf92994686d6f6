import { Refusal } from '$lib/api/api';
import { read } from '$lib/exact';

// asJSON reads what somebody typed as JSON, to be sent as they typed it; it fails
// with a Refusal at the field.
export function asJSON(text: string, field = 'value'): unknown {
  try {
    JSON.parse(text);
  } catch (thrown) {
    const message = `This is no JSON: ${thrown instanceof Error ? thrown.message : thrown}. Texts stand in quotes: "like this".`;
    throw new Refusal(422, { errors: [{ location: `body.${field}`, message }] });
  }
  return read(text);
}

const inJSON = ['()', 'bool', 'i64', 'f64', 'string', 'array', 'map'];
const noNumbers = ['NaN', 'Infinity', '-Infinity'];

// becomesText reports whether what a key holds is only a text in JSON, so that it
// is one for scripts, too, once it is set again.
export function becomesText({ type, value }: { type: string; value?: unknown }): boolean {
  return !inJSON.includes(type) || (type === 'f64' && noNumbers.includes(value as string));
}
