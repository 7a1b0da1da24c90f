/**
 * The time between two heartbeats of a replica, in milliseconds: how often it reports that it is alive, and looks for
 * work it was not notified of.
 */
export const BEAT_MS = 2_500;
/** A replica without a heartbeat for this long is removed by the others, in milliseconds by their own clocks. */
export const SILENCE_MS = 10_000;

/** True while a replica is a member, so that late writes of a removed one change nothing. `replica` is a parameter. */
export const isMember = (replica: string): string =>
  `exists (select from fledge_replica where replica = ${replica}::uuid)`;

/**
 * As `isMember`, and the replica cannot be removed before the statement has ended. For statements that are a
 * transaction of their own.
 */
export const staysMember = (replica: string): string =>
  `exists (select from fledge_replica where replica = ${replica}::uuid for key share)`;

const TELL = (topic: string): string => `pg_notify('fledge:' || current_schema(), ${topic})`;

/** Notifies the other replicas of the module through their lines. */
export const NOTIFY = `select ${TELL('$1')}`;

/** Takes the lock by which others see that this replica's line is open. PostgreSQL releases it with the connection. */
export const HOLD_LINE = 'select pg_advisory_lock($1::bigint)';

// The row of the view is changed first, so that members join one at a time, each with its own version.
export const JOIN = `
with view as (
  insert into fledge_view (version) values (1) on conflict ("only") do update set version = fledge_view.version + 1 returning version
), me as (
  insert into fledge_replica (replica, line, joined, groups, healthy, knows) select $1, $2, version, $3, $4, $5 from view
)
select version::float8 as version, ${TELL("'view ' || $1")} from view`;

/**
 * One statement that writes what a replica reports about itself, and reads the other replicas and the pending work. A
 * change of something that the division of work depends on ($7) begins a new version of the view.
 */
export const BEAT = `
with me as (
  update fledge_replica set beat = beat + 1, seen = $2, keeps = $3, groups = $4, healthy = $5, line = $6::bigint where replica = $1 returning 1
), bumped as (
  update fledge_view set version = version + 1 where $7::boolean and exists (select from me) returning version
)
select (select count(*)::int from me) as present,
  coalesce((select version from bumped), (select version from fledge_view))::float8 as version,
  (select coalesce(json_agg(json_build_object('replica', replica, 'line', line::text, 'beat', beat, 'joined', joined, 'seen', seen, 'keeps', keeps, 'groups', groups, 'healthy', healthy)), '[]')
     from fledge_replica where replica <> $1) as others,
  (select joined::float8 from fledge_replica where replica = $1) as joined,
  extract(epoch from clock_timestamp())::float8 * 1000 as "clockMs",
  exists (select from fledge_outbox where sent_at is null) as unsent,
  exists (select from fledge_inbox where state = 'ready') as ready,
  (select extract(epoch from min(due_at) - clock_timestamp())::float8 * 1000 from fledge_hold where due_at is not null) as "holdInMs",
  (select extract(epoch from min(due_at) - clock_timestamp())::float8 * 1000 from fledge_timer where due_at < 'infinity') as "timerInMs",
  coalesce((select array_agg(c.name) from fledge_consumer c where exists (select from fledge_hold h where h.consumer = c.name)), '{}') as holding`;

/**
 * Removes a replica that has not moved since it was seen. Returns the new version, or no row if it moved or is gone.
 */
export const EXPEL = `
with gone as (
  delete from fledge_replica where replica = $1 and beat = $2 returning 1
), view as (
  update fledge_view set version = version + 1 where exists (select from gone) returning version
)
select version::float8 as version, ${TELL("'view ' || $1")} from view`;

/** Removes this replica. */
export const LEAVE = `
with gone as (
  delete from fledge_replica where replica = $1 returning 1
), view as (
  update fledge_view set version = version + 1 where exists (select from gone) returning version
)
select ${TELL("'view ' || $1")} from view`;

/** The given replicas whose line is closed: nobody holds a lock that can be taken. */
export const CLOSED_LINES = `
select replica, beat::float8 as beat from fledge_replica m where replica = any($1::uuid[]) and pg_try_advisory_xact_lock(m.line)`;

/** All replicas but one whose line is closed. */
export const CLOSED_LINES_OF_OTHERS = `
select replica, beat::float8 as beat from fledge_replica m where replica is distinct from $1::uuid and pg_try_advisory_xact_lock(m.line)`;

/** Begins a new version of the view after a change that every replica must know about. */
export const BUMP = `
with view as (
  insert into fledge_view (version) values (1) on conflict ("only") do update set version = fledge_view.version + 1 returning version
)
select version::float8 as version, ${TELL("'view'")} from view`;

/** Running replicas that have not seen a version of the view. */
export const BEHIND =
  'select replica from fledge_replica where seen < $1 and replica is distinct from $2::uuid and not pg_try_advisory_xact_lock(line)';
