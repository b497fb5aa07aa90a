// A list that a user writes as text with commas, or gives as an array by an expression.
//
// It must not know what stands in it.

export function listOf(value: unknown): string[] {
  const parts = Array.isArray(value) ? value.map(String) : String(value ?? '').split(',');
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
