import { InferenceServerError } from '@nereid/backend-sdk';

/** The first bytes of image formats, as base64 writes them: three bytes are four characters. */
const BEGINNINGS: readonly (readonly [base64: string, type: string])[] = [
  ['iVBORw', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['Qk', 'image/bmp'],
  ['SUkq', 'image/tiff'],
  ['TU0AKg', 'image/tiff'],
];

/**
 * A data URL of a base64 image, its type told by its first bytes. One that is a URL already stays as it is.
 *
 * @throws InferenceServerError INVALID_ARG when it begins like no image format.
 */
export function toDataUrl(image: string): string {
  if (image.startsWith('data:')) return image;
  const found = BEGINNINGS.find(([beginning]) => image.startsWith(beginning));
  if (found !== undefined) return `data:${found[1]};base64,${image}`;
  throw new InferenceServerError(
    'INVALID_ARG',
    `input 'image': expected a base64-encoded PNG, JPEG, GIF, WebP, BMP or TIFF, found '${image.slice(0, 16)}'`,
  );
}
