import { type Application, BoundedModule } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { FledgeClient } from '@fledge/kit/microservices';
import { Inject, Injectable } from '@nestjs/common';
import { ClientsModule } from '@nestjs/microservices';
import { ANSWERING, FindJar, PantryContract, PantryModule } from './pantry.js';

const CookContract = defineContract({ name: 'cook' });
const StrangerContract = defineContract({ name: 'stranger' });

@Injectable()
export class Cook {
  constructor(@Inject('PANTRY') readonly pantry: FledgeClient) {}

  find(id: string) {
    return this.pantry.send(FindJar, { id });
  }
}

@BoundedModule({
  contract: CookContract,
  uses: [PantryContract],
  imports: [ClientsModule.register([{ name: 'PANTRY', customClass: FledgeClient, options: { module: 'pantry' } }])],
  providers: [Cook],
})
class CookModule {}

@BoundedModule({
  contract: StrangerContract,
  imports: [ClientsModule.register([{ name: 'PANTRY', customClass: FledgeClient, options: { module: 'pantry' } }])],
  providers: [Cook],
})
class StrangerModule {}

export const kitchen: Application = {
  name: 'kitchen',
  modules: [
    { contract: PantryContract, load: () => Promise.resolve(PantryModule), nest: ANSWERING },
    { contract: CookContract, load: () => Promise.resolve(CookModule) },
    { contract: StrangerContract, load: () => Promise.resolve(StrangerModule) },
  ],
};
