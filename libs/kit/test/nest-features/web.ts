import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Module,
  Param,
  ParseIntPipe,
  Post,
  Redirect,
  StreamableFile,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { IsInt, IsString } from 'class-validator';
import { Burnt, Never, Shout, Spilled, SpilledFilter } from './enhancers.js';
import { Blender, Brewery, PerRequest } from './providers.js';

export class Order {
  @IsString() name!: string;
  @IsInt() count!: number;
}

@Controller('tea')
export class TeaController {
  constructor(
    private readonly blender: Blender,
    private readonly brewery: Brewery,
    private readonly perRequest: PerRequest,
  ) {}

  @Get('blend')
  blend(): object {
    const { async, alias, everywhere, registered, cellar } = this.blender;
    return { async, sameBrewery: alias === this.brewery, everywhere, registered, depth: cellar.depth };
  }

  @Get('scoped')
  scoped(): object {
    return { number: this.perRequest.number, url: this.perRequest.url };
  }

  @UseGuards(Never)
  @Get('forbidden')
  forbidden(): object {
    return {};
  }

  @UseInterceptors(Shout)
  @Get('shout')
  shout(): object {
    return { wrap: true };
  }

  @Get('cup/:size')
  cup(@Param('size', ParseIntPipe) size: number): object {
    return { size };
  }

  @Get('trim/:text')
  trim(@Param('text') text: string): object {
    return { text };
  }

  @UseFilters(SpilledFilter)
  @Get('spill')
  spill(): never {
    throw new Spilled('on the table');
  }

  @Get('burn')
  burn(): never {
    throw new Burnt('by the kettle');
  }

  @HttpCode(202)
  @Header('x-kettle', 'on')
  @Post()
  order(@Body() order: Order): object {
    return { isOrder: order instanceof Order };
  }

  @Redirect('/tea/blend', 302)
  @Get('old')
  old(): void {}

  @Get('file')
  file(): StreamableFile {
    return new StreamableFile(Buffer.from('leaves'), { type: 'text/plain' });
  }
}

@Controller('list')
export class RoutedController {
  @Get()
  list(): object {
    return { routed: true };
  }
}

@Module({ controllers: [RoutedController] })
export class RoutedModule {}
