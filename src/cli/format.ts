const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes with two significant figures or more, in powers of 1,000. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const text = unit === 0 || value >= 9.95 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, '');
  return `${text} ${UNITS[unit]}`;
}

/** @param millis 0 or more */
export function duration(millis: number): string {
  if (millis < 1000) return `${Math.max(0, Math.round(millis))} ms`;
  const seconds = millis / 1000;
  if (seconds < 60) return `${seconds.toFixed(1).replace(/\.0$/, '')} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Local time (TZ): the hour of today, else with its date. @param text RFC 3339 */
export function clock(text: string, now: Date): string {
  const time = new Date(text);
  const two = (value: number) => String(value).padStart(2, '0');
  const hour = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  const day = (date: Date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return day(time) === day(now) ? hour : `${day(time)} ${hour}`;
}

/** Milliseconds from one RFC 3339 time to another. */
export function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}

export { endpointText as endpoint } from '../core/address.ts';

/** `1 hop`, `12,345 hops`. */
export function count(value: number, noun: string, several = `${noun}s`): string {
  return `${value.toLocaleString('en-US')} ${value === 1 ? noun : several}`;
}
