/** A member of a CountRanking, which owns all fields. */
export abstract class Counted {
  /** How many things the member has. */
  count = 0
  /** The members with the same count; undefined: it has nothing. */
  bucket: Bucket | undefined
  before: Counted | undefined
  after: Counted | undefined
}

/** The members with one count, in the order of their last use. */
class Bucket {
  count: number
  lower: Bucket | undefined
  higher: Bucket | undefined
  first: Counted | undefined
  last: Counted | undefined

  constructor(count: number) {
    this.count = count
  }
}

/**
 * Orders members by how many things they have, so that the one with the most is found at once. Each call takes the same short
 * time for any number of members: counts change by one, so a member only ever moves to the next bucket.
 *
 *     highest 17: c ── 4: a ⇄ e ── 1: b ⇄ d ⇄ f          (of members with one count, the one that was not used longest is first)
 */
export class CountRanking<Member extends Counted> {
  #highest: Bucket | undefined
  #lowest: Bucket | undefined

  /** The member with the most things; of several, the one that was not used for the longest time. */
  get first(): Member | undefined {
    return this.#highest?.first as Member | undefined
  }

  /** The first members, those with the most things first. */
  top(limit: number): Member[] {
    const members: Member[] = []
    for (let bucket = this.#highest; bucket !== undefined; bucket = bucket.lower) {
      for (let member = bucket.first; member !== undefined; member = member.after) {
        if (members.length === limit) return members
        members.push(member as Member)
      }
    }
    return members
  }

  /** The member has one thing more. */
  increment(member: Member): void {
    const { bucket } = member
    const higher = bucket === undefined ? this.#lowest : bucket.higher
    member.count++
    if (higher?.count === member.count) this.#move(member, higher)
    else if (bucket !== undefined && bucket.first === bucket.last) bucket.count++
    else this.#move(member, this.#insert(member.count, bucket, higher))
  }

  /** The member has one thing less. */
  decrement(member: Member): void {
    const bucket = member.bucket!
    const { lower } = bucket
    member.count--
    if (member.count === 0) {
      this.#unlink(member)
      member.bucket = undefined
    } else if (lower?.count === member.count) this.#move(member, lower)
    else if (bucket.first === bucket.last) bucket.count--
    else this.#move(member, this.#insert(member.count, lower, bucket))
  }

  /** The member is used now. */
  touch(member: Member): void {
    const { bucket } = member
    if (bucket !== undefined && bucket.last !== member) this.#move(member, bucket)
  }

  #insert(count: number, lower: Bucket | undefined, higher: Bucket | undefined): Bucket {
    const bucket = new Bucket(count)
    bucket.lower = lower
    bucket.higher = higher
    if (lower === undefined) this.#lowest = bucket
    else lower.higher = bucket
    if (higher === undefined) this.#highest = bucket
    else higher.lower = bucket
    return bucket
  }

  #move(member: Member, to: Bucket): void {
    // First the new place: an empty bucket is dropped.
    const { bucket, before, after } = member
    if (bucket !== undefined) this.#unlinkFrom(bucket, before, after)
    member.bucket = to
    member.before = to.last
    member.after = undefined
    if (to.last === undefined) to.first = member
    else to.last.after = member
    to.last = member
    if (bucket?.first === undefined && bucket !== undefined) this.#drop(bucket)
  }

  #unlink({ bucket, before, after }: Member): void {
    this.#unlinkFrom(bucket!, before, after)
    if (bucket!.first === undefined) this.#drop(bucket!)
  }

  #unlinkFrom(bucket: Bucket, before: Counted | undefined, after: Counted | undefined): void {
    if (before === undefined) bucket.first = after
    else before.after = after
    if (after === undefined) bucket.last = before
    else after.before = before
  }

  #drop({ lower, higher }: Bucket): void {
    if (lower === undefined) this.#lowest = higher
    else lower.higher = higher
    if (higher === undefined) this.#highest = lower
    else higher.lower = lower
  }
}
