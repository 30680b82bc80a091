/**
 * The learning-rate schedules, as in `convbook.schedules`, for epochs from 0.
 *
 * @type {Record<string, (epoch: number, v: Record<string, number>) => number>}
 */
export const SCHEDULES = {
  inverse_time: (e, { initial, decay }) => initial / (1 + decay * e),
  constant: (_, { initial }) => initial,
  step: (e, { initial, factor, every }) => initial * factor ** Math.floor(e / every),
  cosine: (e, { initial, epochs }) => (initial * (1 + Math.cos((Math.PI * e) / epochs))) / 2,
  one_cycle: (e, { initial, epochs, warm_up, start }) => {
    const rise = warm_up * epochs;
    if (e < rise) return initial * (start + ((1 - start) * e) / rise);
    return (initial * (1 + Math.cos((Math.PI * (e - rise)) / (epochs - rise)))) / 2;
  },
};
