import { describe, expect, it } from "vitest";
import type { Image } from "../dicom";
import { fullWindow, samplesOf, table } from "./window";

const image = (more: Partial<Image> = {}): Image => ({
  study: "1", series: "2", instance: "3", number: 1, rows: 2, columns: 2, frames: 1, grey: true, bits: 16,
  signed: false, inverted: false, slope: 1, intercept: 0, window: undefined, spacing: undefined, rate: undefined, ...more,
});

describe("the window of an image", () => {
  it("maps the standard's example: centre 2048, width 4096 over 12 bits", () => {
    const greys = table(image(), { centre: 2048, width: 4096 }, false);
    expect([greys[0], greys[2048], greys[4095]]).toEqual([0, 128, 255]);
  });

  it("counts in rescaled units, and reads signed samples from the lowest", () => {
    const greys = table(image({ signed: true, slope: 2, intercept: -1000 }), { centre: -1000, width: 201 }, false);
    expect(greys[32768 + 0]).toBe(128);
    expect(greys[32768 - 100]).toBe(0);
    expect(greys[32768 + 100]).toBe(255);
  });

  it("is turned for MONOCHROME1, and back when it is reversed", () => {
    const window = { centre: 128, width: 256 };
    expect(table(image({ bits: 8, inverted: true }), window, false)[0]).toBe(255);
    expect(table(image({ bits: 8, inverted: true }), window, true)[0]).toBe(0);
  });

  it("covers what is there when the image states none", () => {
    const samples = Uint16Array.from({ length: 1000 }, (_, at) => at);
    const { centre, width } = fullWindow(image(), samples);
    expect(centre).toBeCloseTo(500, -1);
    expect(width).toBeCloseTo(990, -1);
  });
});

it("an image that is cut short is said so", () => {
  expect(() => samplesOf(image(), new ArrayBuffer(7))).toThrow("cut short");
});
