const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const date = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const dateTime = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const number = new Intl.NumberFormat("en");

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "5 min. ago", or the date if that is more than a week ago. */
export function timeAgo(time: string, now = Date.now()) {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  const age = Math.abs(seconds);
  if (age < MINUTE) return "just now";
  if (age < HOUR) return relative.format(Math.trunc(seconds / MINUTE), "minute");
  if (age < DAY) return relative.format(Math.trunc(seconds / HOUR), "hour");
  if (age < 7 * DAY) return relative.format(Math.trunc(seconds / DAY), "day");
  return date.format(Date.parse(time));
}

export const formatDate = (time: string) => date.format(Date.parse(time));
export const formatDateTime = (time: string) => dateTime.format(Date.parse(time));
export const formatNumber = (value: number) => number.format(value);
export const plural = (count: number, noun: string) => `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;

/** "Firefox on Linux" from the User-Agent header. */
export function deviceName(userAgent: string | null | undefined) {
  if (!userAgent) return "Unknown device";
  const browser = [
    ["Edg/", "Edge"],
    ["OPR/", "Opera"],
    ["Firefox/", "Firefox"],
    ["Chrome/", "Chrome"],
    ["Safari/", "Safari"],
  ].find(([token]) => token && userAgent.includes(token))?.[1];
  const system = [
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Android", "Android"],
    ["Mac OS X", "macOS"],
    ["Windows", "Windows"],
    ["CrOS", "ChromeOS"],
    ["Linux", "Linux"],
  ].find(([token]) => token && userAgent.includes(token))?.[1];
  if (!browser) return userAgent.split(/[\s/(]/)[0] || "Unknown device";
  return system ? `${browser} on ${system}` : browser;
}
