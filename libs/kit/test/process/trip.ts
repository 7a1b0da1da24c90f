import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { CommandBus, CommandHandler, EventBus, Command, type ICommandHandler } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsString } from 'class-validator';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DataSource } from 'typeorm';
import { CommandContract, defineContract, EventContract, type Fields } from '../../src/contract/index.js';
import {
  type Application,
  BoundedModule,
  contextOf,
  Continues,
  currentCall,
  OnTimer,
  Process,
  type Run,
  Singleton,
  Starts,
} from '../../src/index.js';

/** The context of the application. */
export class TravelContext {
  @IsOptional() @IsString() readonly agency?: string;
}

/** One message of a trip, all alike. */
class OfTrip {
  @IsString() readonly trip!: string;
  constructor(fields: { readonly trip: string }) {
    Object.assign(this, fields);
  }
}

@EventContract('trips.planned.v1', { key: 'trip' })
export class Planned extends OfTrip {}

@EventContract('hotel.booked.v1', { key: 'trip' })
export class Booked extends OfTrip {}

@EventContract('hotel.full.v1', { key: 'trip' })
export class Full extends OfTrip {}

@EventContract('hotel.released.v1', { key: 'trip' })
export class Released extends OfTrip {}

@CommandContract('hotel.book.v1')
export class Book extends Command<void> {
  @IsString() readonly trip!: string;
  constructor(fields: Fields<Book>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandContract('hotel.release.v1')
export class Release extends Command<void> {
  @IsString() readonly trip!: string;
  constructor(fields: Fields<Release>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandContract('trips.plan.v1', { result: String })
export class Plan extends Command<string> {
  @IsOptional() @IsString() readonly wish?: string;
  constructor(fields: Fields<Plan> = {}) {
    super();
    Object.assign(this, fields);
  }
}

export const TripsContract = defineContract({ name: 'trips', commands: [Plan], events: [Planned] });
export const HotelContract = defineContract({
  name: 'hotel',
  commands: [Book, Release],
  events: [Booked, Full, Released],
});

class TripState {
  @IsInt() reminders = 0;
}

/** Books a hotel; gives it back when nobody confirms in time. */
@Process('trip', { state: TripState, startFrom: 'beginning' })
export class Trip {
  @Starts(Planned, ({ trip }) => trip)
  begin(_event: Planned, run: Run<TripState>): void {
    run.send(new Book({ trip: run.key }));
  }

  @Continues(Booked, ({ trip }) => trip)
  booked(_event: Booked, run: Run<TripState>): void {
    run.setTimer('unconfirmed', 50);
  }

  @Continues(Full, ({ trip }) => trip)
  full(_event: Full, run: Run<TripState>): void {
    run.finish('the hotel is full');
  }

  @OnTimer('unconfirmed')
  unconfirmed(run: Run<TripState>): void {
    run.state.reminders++;
    run.send(new Release({ trip: run.key }));
  }

  @Continues(Released, ({ trip }) => trip)
  released(_event: Released, run: Run<TripState>): void {
    run.finish('released');
  }
}

@CommandHandler(Plan)
export class PlanHandler implements ICommandHandler<Plan> {
  constructor(
    private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ wish }: Plan): Promise<string> {
    const trip = `${wish ?? 'any'}-${randomUUID()}`;
    await this.source.transaction(async () => void this.events.publish(new Planned({ trip })));
    return trip;
  }
}

/** Once a day is once in a test, whatever is restarted; it calls a module, as a job may. */
@Injectable()
export class Planner {
  constructor(private readonly commands: CommandBus) {}

  @Singleton('plan-ahead', { everyMs: 86_400_000 })
  async plan(): Promise<void> {
    if (currentCall()?.caller !== 'job') throw new Error('no context of a job');
    await this.commands.execute(new Plan({ wish: 'ahead' }));
  }
}

export class Rooms1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table room (trip text primary key, state text not null, agencies text[] not null)');
  }
  async down(): Promise<void> {}
}

/** For whom the hotel worked: as its handlers saw it, by trip. */
export const served = new Map<string, object[]>();

function serve(trip: string): void {
  const { caller, identity, onBehalfOf } = currentCall() ?? {};
  served.set(trip, [...(served.get(trip) ?? []), { caller, identity, onBehalfOf }]);
}

@CommandHandler(Book)
export class BookHandler implements ICommandHandler<Book> {
  constructor(
    private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ trip }: Book): Promise<void> {
    serve(trip);
    if (trip.startsWith('full')) return void this.events.publish(new Full({ trip }));
    const { agency = 'none' } = contextOf(TravelContext);
    await this.source.query("insert into room values ($1, 'booked', array[$2])", [trip, agency]);
    this.events.publish(new Booked({ trip }));
  }
}

@CommandHandler(Release)
export class ReleaseHandler implements ICommandHandler<Release> {
  constructor(
    private readonly source: DataSource,
    private readonly events: EventBus,
  ) {}

  async execute({ trip }: Release): Promise<void> {
    serve(trip);
    const { agency = 'none' } = contextOf(TravelContext);
    await this.source.query("update room set state = 'released', agencies = agencies || $2::text where trip = $1", [
      trip,
      agency,
    ]);
    this.events.publish(new Released({ trip }));
  }
}

@BoundedModule({ contract: TripsContract, uses: [HotelContract], providers: [Trip, PlanHandler, Planner] })
export class TripsModule {}

@BoundedModule({ contract: HotelContract, migrations: [Rooms1700000000001], providers: [BookHandler, ReleaseHandler] })
export class HotelModule {}

export const travel: Application = {
  name: 'travel',
  context: TravelContext,
  modules: [
    { contract: TripsContract, load: () => Promise.resolve(TripsModule) },
    { contract: HotelContract, load: () => Promise.resolve(HotelModule) },
  ],
};
