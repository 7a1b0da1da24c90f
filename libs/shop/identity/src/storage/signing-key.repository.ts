import { Injectable } from '@nestjs/common';
import { InjectDataSource, InjectRepository } from '@nestjs/typeorm';
import { DataSource, Repository } from 'typeorm';
import { SigningKeyRow } from './signing-key.row.js';

/** Any number that no other lock of this database uses; the digits are the name's initials in ASCII. */
const CREATE_LOCK = 73_83_75;

/** The keys that sign access tokens. */
@Injectable()
export class SigningKeyRepository {
  constructor(
    @InjectRepository(SigningKeyRow) private readonly rows: Repository<SigningKeyRow>,
    @InjectDataSource() private readonly dataSource: DataSource,
  ) {}

  /** All keys, the newest first. At most 16, as the contract allows. */
  list(): Promise<SigningKeyRow[]> {
    return this.rows.find({ order: { createdAt: 'DESC', kid: 'ASC' }, take: 16 });
  }

  /** The newest key; created with `make` if there is none. Replicas that start together get the same one. */
  async newestOr(make: () => Promise<SigningKeyRow>): Promise<SigningKeyRow> {
    return this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [CREATE_LOCK]);
      const [newest] = await this.list();
      if (newest) return newest;
      const made = await make();
      await this.rows.insert(made);
      return made;
    });
  }
}
