import { BoundedModule } from '@fledge/kit';
import { StockContract } from './contract/index.js';
import { CreateLevels1700000000000 } from './create-levels.migration.js';
import { GetLevelHandler } from './get-level.handler.js';
import { Level } from './level.entity.js';
import { TakeStockHandler } from './take-stock.handler.js';

@BoundedModule({ contract: StockContract, entities: [Level], migrations: [CreateLevels1700000000000], providers: [GetLevelHandler, TakeStockHandler] })
export class StockModule {}
