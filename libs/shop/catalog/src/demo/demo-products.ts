import { DEMO_SKU_PREFIX } from '../../contract/index.js';
import type { Category, Product } from '../domain/product.js';

/** One shelf of the demo shop: combines every noun with every material. */
interface Shelf {
  readonly category: Category;
  readonly prefix: string;
  /** A noun, its price in minor units, and what it is for. */
  readonly nouns: readonly (readonly [noun: string, priceMinor: number, use: string])[];
  /** A material, its price factor in per cent, and praise for it. */
  readonly materials: readonly (readonly [material: string, percent: number, praise: string])[];
}

const WOODS = [
  ['Walnut', 140, 'oiled by hand and warm to the touch'],
  ['Oak', 110, 'solid, pale and made to last'],
  ['Bamboo', 70, 'light, hard and quick to grow back'],
  ['Cherry', 125, 'red-brown, and darker with the years'],
  ['Ash', 95, 'with a clear straight grain'],
  ['Maple', 105, 'dense and smooth'],
] as const;

const CLOTHS = [
  ['Linen', 120, 'cool in summer and softer with each wash'],
  ['Cotton', 80, 'plain, strong and easy to care for'],
  ['Wool', 135, 'warm also when damp'],
  ['Hemp', 90, 'rough at first and nearly impossible to wear out'],
  ['Recycled Fleece', 75, 'made of what was bottles'],
  ['Canvas', 100, 'woven tight and waxed'],
] as const;

const METALS = [
  ['Steel', 90, 'brushed, and good for the dishwasher'],
  ['Copper', 160, 'lined with tin and quick to heat'],
  ['Cast Iron', 115, 'heavy, even, and better every year'],
  ['Enamel', 85, 'in blue and white'],
  ['Aluminium', 70, 'light and anodised'],
  ['Brass', 145, 'with a patina of its own'],
] as const;

const SHELVES: readonly Shelf[] = [
  {
    category: { id: 'kitchen', name: 'Kitchen' },
    prefix: 'KIT',
    materials: METALS,
    nouns: [
      ['Kettle', 4_900, 'boils a litre and a half'],
      ['Saucepan', 3_900, 'holds two litres, with a lid'],
      ['Frying Pan', 4_400, 'for 28 centimetres of breakfast'],
      ['Colander', 2_400, 'drains pasta for six'],
      ['Ladle', 1_200, 'serves soup without a drip'],
      ['Coffee Pot', 3_600, 'makes four cups on the stove'],
      ['Cake Tin', 1_900, 'opens at the side'],
    ],
  },
  {
    category: { id: 'furniture', name: 'Furniture' },
    prefix: 'FUR',
    materials: WOODS,
    nouns: [
      ['Chair', 12_900, 'carries anyone through a long dinner'],
      ['Dining Table', 64_900, 'seats eight'],
      ['Bookshelf', 28_900, 'takes two hundred paperbacks'],
      ['Stool', 6_900, 'reaches the top shelf too'],
      ['Bed Frame', 59_900, 'fits mattresses of 140 by 200'],
      ['Side Table', 9_900, 'holds a lamp and a book'],
      ['Desk', 38_900, 'hides its cables'],
    ],
  },
  {
    category: { id: 'textiles', name: 'Textiles' },
    prefix: 'TEX',
    materials: CLOTHS,
    nouns: [
      ['Blanket', 5_900, 'covers two on a sofa'],
      ['Cushion', 2_400, 'comes with its filling'],
      ['Curtain', 7_900, 'falls 250 centimetres'],
      ['Tablecloth', 4_500, 'covers a table for eight'],
      ['Towel', 1_900, 'dries quickly'],
      ['Bed Sheet', 4_900, 'stays where it is put'],
      ['Rug', 11_900, 'lies flat from the first day'],
    ],
  },
  {
    category: { id: 'garden', name: 'Garden' },
    prefix: 'GAR',
    materials: METALS,
    nouns: [
      ['Watering Can', 3_200, 'pours eight litres through a fine rose'],
      ['Hand Trowel', 1_600, 'cuts through roots'],
      ['Plant Pot', 2_100, 'drains at the bottom'],
      ['Lantern', 2_900, 'burns through a windy evening'],
      ['Bird Feeder', 2_600, 'keeps squirrels out'],
      ['Bucket', 1_800, 'carries twelve litres'],
      ['Fire Bowl', 8_900, 'warms a circle of friends'],
    ],
  },
  {
    category: { id: 'office', name: 'Office' },
    prefix: 'OFF',
    materials: WOODS,
    nouns: [
      ['Pen Tray', 1_900, 'keeps a desk clear'],
      ['Monitor Stand', 5_900, 'lifts a screen by eleven centimetres'],
      ['Letter Rack', 2_700, 'sorts three kinds of post'],
      ['Clipboard', 1_500, 'grips a hundred sheets'],
      ['Bookend', 2_200, 'comes as a pair'],
      ['Pencil Box', 1_700, 'slides open'],
      ['Wall Clock', 4_900, 'runs without a sound'],
    ],
  },
  {
    category: { id: 'outdoor', name: 'Outdoor' },
    prefix: 'OUT',
    materials: CLOTHS,
    nouns: [
      ['Backpack', 8_900, 'carries thirty litres'],
      ['Hat', 2_900, 'folds into a pocket'],
      ['Hammock', 6_400, 'hangs between any two trees'],
      ['Picnic Blanket', 3_900, 'keeps the wet out'],
      ['Tent Bag', 2_500, 'closes with a strap'],
      ['Jacket', 13_900, 'stops the wind'],
      ['Gloves', 2_700, 'leave the fingers free to move'],
    ],
  },
  {
    category: { id: 'toys', name: 'Toys' },
    prefix: 'TOY',
    materials: WOODS,
    nouns: [
      ['Train', 3_400, 'pulls three wagons'],
      ['Building Blocks', 2_900, 'come as fifty in a bag'],
      ['Spinning Top', 900, 'turns for two minutes'],
      ['Puzzle', 1_700, 'has forty pieces and a map'],
      ['Rocking Horse', 14_900, 'carries children up to thirty kilos'],
      ['Chess Set', 5_400, 'folds into its board'],
      ['Marble Run', 4_600, 'is built anew each time'],
    ],
  },
  {
    category: { id: 'lighting', name: 'Lighting' },
    prefix: 'LIG',
    materials: METALS,
    nouns: [
      ['Desk Lamp', 6_900, 'bends at two joints'],
      ['Pendant', 8_400, 'hangs over a table'],
      ['Floor Lamp', 14_900, 'stands 160 centimetres high'],
      ['Wall Light', 5_400, 'shines up and down'],
      ['Candle Holder', 1_600, 'stands firmly'],
      ['String Lights', 3_100, 'reach ten metres'],
      ['Reading Light', 3_900, 'clamps to a shelf'],
    ],
  },
];

/** The categories of the demo shop. */
export const DEMO_CATEGORIES: readonly Category[] = SHELVES.map((shelf) => shelf.category);

const MINUTE_MS = 60_000;

/**
 * The products of the demo shop: always the same few hundred, created a minute apart.
 * @param id makes the id of each.
 * @param now the age of the newest.
 */
export function demoProducts(id: () => string, now: Date): Product[] {
  const products: Product[] = [];
  for (const shelf of SHELVES) {
    for (const [m, [material, percent, praise]] of shelf.materials.entries()) {
      for (const [n, [noun, priceMinor, use]] of shelf.nouns.entries()) {
        const number = m * shelf.nouns.length + n + 1;
        const createdAt = new Date(now.getTime() - products.length * MINUTE_MS);
        products.push({
          id: id(),
          sku: `${DEMO_SKU_PREFIX}${shelf.prefix}-${String(number).padStart(4, '0')}`,
          name: `${material} ${noun}`,
          description: `A ${noun.toLowerCase()} of ${material.toLowerCase()}, ${praise}; ${use}.`,
          // Prices end in 90, as prices usually do.
          priceMinor: Math.round((priceMinor * percent) / 10_000) * 100 - 10,
          currency: 'EUR',
          categoryId: shelf.category.id,
          active: true,
          createdAt,
          updatedAt: createdAt,
        });
      }
    }
  }
  return products;
}
