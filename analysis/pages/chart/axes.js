// What stands around a chart's points: lines of a grid, numbers, titles, the bar that explains the colours.
import { axisTicks, tickText } from "./scales.js";

export function drawAxes(context, frame, picture, colours) {
  const { left, right, top, bottom, floor } = frame;
  context.fillStyle = colours.ink;
  context.strokeStyle = colours.faint;
  context.lineWidth = 1;
  context.beginPath();
  context.textAlign = "center";
  let after = -Infinity; // where the last number ends
  for (const tick of frame.x.ticks) {
    const x = Math.round(frame.x.at(tick)) + 0.5, text = tickText(tick), half = context.measureText(text).width / 2;
    line(context, x, top, x, bottom);
    if (x - half < after + 8) continue;
    context.fillText(text, x, bottom + 16);
    after = x + half;
  }
  context.textAlign = "right";
  for (const tick of frame.y.ticks) {
    const y = Math.round(frame.y.at(tick)) + 0.5;
    line(context, left, y, right, y);
    context.fillText(tickText(tick), left - 7, y + 4);
  }
  context.stroke();
  context.strokeStyle = colours.grey;
  context.beginPath();
  line(context, left + 0.5, top, left + 0.5, bottom);
  line(context, left, bottom + 0.5, right, bottom + 0.5);
  if (picture.strip) line(context, left, floor + 0.5, right, floor + 0.5);
  context.stroke();
  context.textAlign = "center";
  context.fillText(picture.x.label, (left + right) / 2, bottom + 38);
  upright(context, picture.y.label, 14, (top + floor) / 2);
  if (picture.scale) drawBar(context, frame, picture.scale, colours);
}

function line(context, x, y, to, below) {
  context.moveTo(x, y);
  context.lineTo(to, below);
}

function upright(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.fillText(text, 0, 0);
  context.restore();
}

function drawBar(context, { right, top, floor }, { stops, range, label }, colours) {
  const x = right + 18, gradient = context.createLinearGradient(0, floor, 0, top);
  stops.forEach(([stop, colour]) => gradient.addColorStop(stop, colour));
  context.fillStyle = gradient;
  context.fillRect(x, top, 12, floor - top);
  context.fillStyle = colours.ink;
  context.textAlign = "left";
  const [low, high] = range;
  for (const tick of high > low ? axisTicks(low, high, false) : [low]) {
    const y = high > low ? floor - (floor - top) * (tick - low) / (high - low) : floor;
    context.fillText(tickText(tick), x + 16, Math.min(Math.max(y + 4, top + 9), floor));
  }
  context.textAlign = "center";
  upright(context, label, x + 66, (top + floor) / 2);
}
