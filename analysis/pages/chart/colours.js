// Which colour a candidate has: by a number on a scale, or by its run. Okabe and Ito's, told apart with any colour vision.

export const RUN_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"];
export const VIRIDIS = [[0, "#440154"], [0.25, "#3b528b"], [0.5, "#21918c"], [0.75, "#5ec962"], [1, "#fde725"]];
export const SHARES = [[0, "#0072B2"], [0.5, "#b9b4a8"], [1, "#D55E00"]]; // of global layers
const LEVELS = 32; // different colours of a scale

export const runColour = run => RUN_COLOURS[run % RUN_COLOURS.length];

function mixed(stops, share) {
  const above = Math.max(1, stops.findIndex(([stop]) => stop >= share));
  const [[from, first], [to, second]] = [stops[above - 1], stops[above]];
  const weight = (share - from) / (to - from);
  const channel = place => {
    const [one, two] = [first, second].map(colour => parseInt(colour.slice(1 + 2 * place, 3 + 2 * place), 16));
    return Math.round(one + (two - one) * weight);
  };
  return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
}

export const paletteOf = stops => Array.from({ length: LEVELS }, (_, level) => mixed(stops, level / (LEVELS - 1)));

// The colour of a value between ``low`` and ``high``; ``unknown`` of null.
export function colourOf(stops, [low, high], unknown) {
  const levels = paletteOf(stops);
  const level = value => Math.round((LEVELS - 1) * Math.min(Math.max((value - low) / (high - low || 1), 0), 1));
  return value => value === null ? unknown : levels[level(value)];
}
