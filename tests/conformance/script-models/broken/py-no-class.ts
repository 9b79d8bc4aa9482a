export class SomethingElse {}
