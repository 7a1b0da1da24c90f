export { freshDatabase, testNatsUrl, type FreshDatabase } from './fresh-database.js';
