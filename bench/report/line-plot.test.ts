import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearTicks, logTicks, renderLinePlot, type LinePanel } from './line-plot.ts';

test('the ticks of an axis hold all values, and are at least two', () => {
  assert.deepEqual(logTicks([150, 3000]), [100, 200, 500, 1000, 2000, 5000]);
  assert.deepEqual(logTicks([100, 500]), [100, 200, 500]);
  assert.deepEqual(logTicks([200]), [200, 500]);
});

test('a linear axis begins at 0 and ends above all values', () => {
  assert.deepEqual(linearTicks([12, 300]), [0, 50, 100, 150, 200, 250, 300]);
  assert.deepEqual(linearTicks([0]), [0, 1]);
});

test('on a linear axis half of the value is half as high', () => {
  const [top = 0, half = 0, zero = 0] = heightsOf({ values: [400, 200, 0] });
  assert.ok(Math.abs(zero - half - (half - top)) < 0.2, `${top}, ${half}, ${zero}`);
});

test('a line of many values has no dots, and its empty labels are not drawn', () => {
  const values = Array.from({ length: 360 }, (_, index) => index);
  const xLabels = values.map((value) => (value % 60 === 0 ? `${value} s` : ''));
  const plot = renderLinePlot('Long', [panel({ values, xLabels })]);
  // One is that of the legend.
  assert.equal(plot.match(/<circle/g)?.length, 1);
  assert.equal(plot.match(/>\d+ s</g)?.length, 6);
});

interface PanelInit {
  readonly values: readonly number[];
  readonly xLabels?: readonly string[];
}

function panel({ values, xLabels = values.map(String) }: PanelInit): LinePanel {
  return { title: 'Title', subtitle: '', scale: 'linear', xLabels, series: [{ name: 'line', values }] };
}

/** Pixels from the top. */
function heightsOf(init: PanelInit): readonly number[] {
  const points =
    /<polyline class="one" points="([^"]+)"/.exec(renderLinePlot('Plot', [panel(init)]))?.[1] ?? '';
  return points.split(' ').map((point) => Number(point.split(',')[1]));
}
