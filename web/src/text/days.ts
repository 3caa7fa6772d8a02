// Days as people have them: from midnight to midnight in their own time zone.

/** When the day of that moment began here; both in milliseconds since 1970. */
export function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
