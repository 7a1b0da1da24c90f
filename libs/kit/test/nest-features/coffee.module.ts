import { BoundedModule } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { Controller, Get } from '@nestjs/common';
import { AggregateRoot, EventsHandler, Publishable } from '@nestjs/cqrs';
import { Burnt } from './enhancers.js';
import { Cooled } from './handlers.js';
import { journal } from './journal.js';
import { TeaContract } from './tea.module.js';

@Publishable()
export class CoffeeCup extends AggregateRoot {
  cool(): void {
    this.apply(new Cooled('a cup of coffee'));
    this.commit();
  }
}

@EventsHandler(Cooled)
export class CoffeeCooledHandler {
  handle({ by }: Cooled): void {
    journal.push(`coffee saw ${by}`);
  }
}

@Controller('coffee')
export class CoffeeController {
  @Get()
  get(): object {
    return { wrap: true };
  }

  @Get('burn')
  burn(): never {
    throw new Burnt('by the machine');
  }
}

export const CoffeeContract = defineContract({ name: 'coffee', routes: ['/coffee'] });

@BoundedModule({
  contract: CoffeeContract,
  uses: [TeaContract],
  controllers: [CoffeeController],
  providers: [CoffeeCooledHandler],
})
export class CoffeeModule {}
