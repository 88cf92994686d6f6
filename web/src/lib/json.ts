import { Refusal } from '$lib/api/api';

// asJSON reads what somebody typed as JSON; it fails with a Refusal at the field.
export function asJSON(text: string, field = 'value'): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const message = `This is no JSON: ${thrown instanceof Error ? thrown.message : thrown}. Texts stand in quotes: "like this".`;
    throw new Refusal(422, { errors: [{ location: `body.${field}`, message }] });
  }
}
