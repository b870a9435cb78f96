// How figures are written: by the reader's language, in the brand's time zone.

const language = navigator.languages?.length ? [...navigator.languages] : undefined;
let zone;

/** Times are shown as the brand's clocks say them. */
export function setZone(name) {
  zone = name;
}

export const whole = (count) => new Intl.NumberFormat(language).format(count);

const digitsOf = (text) => (text.split(".")[1] ?? "").length;

/** An amount exactly as the API told it, which is text: no digit is lost. */
export function money({ amount, currencyCode }) {
  const digits = digitsOf(amount);
  const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    const style = { style: "currency", currency: currencyCode, currencyDisplay: "code" };
    return new Intl.NumberFormat(language, { ...style, ...exact }).format(amount);
  } catch {
    return `${currencyCode} ${new Intl.NumberFormat(language, exact).format(amount)}`;
  }
}

export const decimal = (text, least = 0) =>
  new Intl.NumberFormat(language, {
    minimumFractionDigits: least,
    maximumFractionDigits: Math.max(least, digitsOf(text)),
  }).format(text);

const clock = (options) => new Intl.DateTimeFormat(language, { timeZone: zone, ...options });

export const time = (at) => clock({ timeStyle: "medium" }).format(new Date(at));

/** A calendar day, which is the same everywhere. */
export const day = (text) =>
  new Intl.DateTimeFormat(language, { dateStyle: "full", timeZone: "UTC" }).format(
    new Date(`${text}T00:00:00Z`),
  );

/** How long ago, or how long until, in the largest unit that fits. */
export function distance(at, now) {
  const seconds = (new Date(at) - now) / 1000;
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
  const told = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  return told.format(Math.trunc(seconds / size), unit);
}

/** `STAGE_CHANGED` as a person writes it; KYC and the like stay as they are. */
export function words(shouted) {
  if (["KYC", "FTD", "DNC"].includes(shouted)) return shouted;
  const text = shouted.toLowerCase().replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}
