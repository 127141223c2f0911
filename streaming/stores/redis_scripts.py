"""What is done in Redis, in Lua: each script is one atomic step, and one journey there and back.

All keys begin with a prefix that holds the version of this schema, so that two versions live side by side:

- `s:<id>`, a hash: the stream's record, its bytes, and until when its keys live if nobody adds to it;
- `n:<name>`: the id of the stream that was last begun by that name, which its record holds as well;
- `e:<id>`, a stream: its entries, each by the number of its last event;
- `r:<id>`, a sorted set: its readers, by the moment until which they attend;
- `a:<worker>`: there as long as anybody attends a stream of that worker's;
- `w:<worker>`: there as long as a worker's lease runs;
- `running`, a sorted set: unfinished streams, by the moment at which their worker was last seen;
- `finished`, a sorted set: finished streams, by the moment at which they are gone;
- `sizes`, a hash: the bytes of the finished ones; `total`: the bytes of all.

Moments are milliseconds of the server's clock. Channels: `c:<id>` tells of each change, `x:<id>` of a wish to stop.
"""

from __future__ import annotations

import hashlib

import msgspec

PREFIX = "headrace:2:"

RECOUNT = 60_000
"""Milliseconds after which the total is counted anew: keys that expire while nobody sweeps would let it drift."""

COMMON = f"""
local P = '{PREFIX}'
local RUNNING, FINISHED, SIZES, TOTAL = P .. 'running', P .. 'finished', P .. 'sizes', P .. 'total'

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function record(id)
    return redis.call('HMGET', P .. 's:' .. id,
        'worker', 'owner', 'question', 'about', 'last', 'finished', 'stopping')
end

-- Return the key by which a stream is found, where it has a name and no other was begun by it since.
local function name_of(id)
    local name = redis.call('HGET', P .. 's:' .. id, 'name')
    if name and redis.call('GET', P .. 'n:' .. name) == id then return P .. 'n:' .. name end
end

local function forget(id)
    local name = name_of(id)
    if name then redis.call('UNLINK', name) end
    local size = redis.call('HGET', SIZES, id) or redis.call('HGET', P .. 's:' .. id, 'bytes')
    if size then redis.call('DECRBY', TOTAL, size) end
    redis.call('HDEL', SIZES, id)
    redis.call('ZREM', FINISHED, id)
    redis.call('ZREM', RUNNING, id)
    redis.call('UNLINK', P .. 's:' .. id, P .. 'e:' .. id)
    redis.call('PUBLISH', P .. 'c:' .. id, '')
end

local function forget_the_old(time, most)
    local old = redis.call('ZRANGEBYSCORE', FINISHED, '-inf', time, 'LIMIT', 0, most)
    for _, id in ipairs(old) do forget(id) end
end

local function live_on(id, time, life)
    redis.call('HSET', P .. 's:' .. id, 'until', time + life)
    redis.call('PEXPIRE', P .. 's:' .. id, life)
    redis.call('PEXPIRE', P .. 'e:' .. id, life)
    local name = name_of(id)
    if name then redis.call('PEXPIRE', name, life) end
end

-- Forget finished streams, the oldest first, until so many bytes fit; return how many do.
local function make_room(size, bound, time)
    local total = tonumber(redis.call('GET', TOTAL) or 0)
    if total + size > bound then forget_the_old(time, 1000) end
    while true do
        total = tonumber(redis.call('GET', TOTAL) or 0)
        local oldest = redis.call('ZRANGE', FINISHED, 0, 0)[1]
        if total + size <= bound or not oldest then return bound - total end
        forget(oldest)
    end
end
"""


class Script(msgspec.Struct, frozen=True):
    """A script and the digest by which the server knows it."""

    source: bytes
    digest: str


def script(body: str) -> Script:
    """Return a script with what all of them share before it."""
    source = (COMMON + body).encode()
    return Script(source, hashlib.sha1(source).hexdigest())  # noqa: S324  # the server's choice, not a secret


FIND = script("""
return record(ARGV[1])
""")

NAMED = script("""
local id = redis.call('GET', P .. 'n:' .. ARGV[1])
if not id then return false end
local there = record(id)
return there[1] and {id, there}
""")

UNNAME = script("""
local key = P .. 'n:' .. ARGV[1]
if redis.call('GET', key) == ARGV[2] then redis.call('UNLINK', key) end
""")

CLAIM = script("""
local id, worker, owner, question, about, bound, life, name = unpack(ARGV)
local key, time, there = P .. 's:' .. id, now(), record(id)
if there[1] then return there end
forget(id)
if make_room(1, tonumber(bound), time) < 1 then return 'full' end
redis.call('HSET', key, 'worker', worker, 'owner', owner, 'question', question, 'about', about,
    'last', 0, 'finished', 0, 'stopping', 0, 'bytes', 0)
redis.call('ZADD', RUNNING, time, id)
if name then
    redis.call('HSET', key, 'name', name)
    redis.call('SET', P .. 'n:' .. name, id)
end
live_on(id, time, life)
return false
""")

APPEND = script("""
local worker, largest, bound, life, retention = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local spare, heads, payloads = tonumber(ARGV[6]), cmsgpack.unpack(ARGV[7]), ARGV[8]
local time, start, added, refused = now(), 1, 0, {}
local room = make_room(#payloads, bound, time)
for _, head in ipairs(heads) do
    local id, first, count, size, is_last = unpack(head)
    local payload = string.sub(payloads, start, start + size - 1)
    start = start + size
    local key, log = P .. 's:' .. id, P .. 'e:' .. id
    local there = redis.call('HMGET', key, 'worker', 'last', 'finished', 'bytes', 'until')
    local has_room = (there[4] or 0) + size <= largest and size <= room or is_last and size <= spare
    if there[1] ~= worker or there[3] ~= '0' or there[2] + 1 ~= first or not has_room then
        refused[#refused + 1] = id
    else
        local last, bytes = string.format('%.0f', first + count - 1), string.format('%.0f', there[4] + size)
        room, added = room - size, added + size
        redis.call('XADD', log, last .. '-1', count, payload)
        if is_last then
            redis.call('HSET', key, 'last', last, 'bytes', bytes, 'finished', 1)
            redis.call('PEXPIRE', key, retention)
            redis.call('PEXPIRE', log, retention)
            local name = name_of(id)
            if name then redis.call('PEXPIRE', name, retention) end
            redis.call('ZREM', RUNNING, id)
            redis.call('ZADD', FINISHED, time + retention, id)
            redis.call('HSET', SIZES, id, bytes)
        else
            redis.call('HSET', key, 'last', last, 'bytes', bytes)
            redis.call('ZADD', RUNNING, time, id)
            if first == 1 or there[5] - time < life / 2 then live_on(id, time, life) end
        end
        redis.call('PUBLISH', P .. 'c:' .. id, '')
    end
end
if added > 0 then redis.call('INCRBY', TOTAL, added) end
return refused
""")

READ = script("""
local log, after, most = P .. 'e:' .. ARGV[1], ARGV[2] + 1, tonumber(ARGV[3])
local found = {}
while true do
    local some = redis.call('XRANGE', log, string.format('%.0f-1', after), '+', 'COUNT', 64)
    for _, entry in ipairs(some) do
        local count, payload = entry[2][1], entry[2][2]
        most = most - #payload
        if #found > 0 and most < 0 then return found end
        local last = tonumber(string.match(entry[1], '^%d+'))
        after = last + 1
        found[#found + 1] = after - count
        found[#found + 1] = tonumber(count)
        found[#found + 1] = payload
    end
    if #some < 64 then return found end
end
""")

STOP = script("""
local id = ARGV[1]
local key = P .. 's:' .. id
if redis.call('HGET', key, 'finished') == '0' then
    redis.call('HSET', key, 'stopping', 1)
    redis.call('PUBLISH', P .. 'x:' .. id, '')
    redis.call('PUBLISH', P .. 'c:' .. id, '')
end
""")

ATTEND = script("""
local key, wait = P .. 'r:' .. ARGV[1], ARGV[3]
redis.call('ZADD', key, now() + wait, ARGV[2])
redis.call('PEXPIRE', key, math.max(wait, redis.call('PTTL', key)))
local worker = redis.call('HGET', P .. 's:' .. ARGV[1], 'worker')
if worker then
    local attended = P .. 'a:' .. worker
    redis.call('SET', attended, '', 'PX', math.max(wait, redis.call('PTTL', attended)))
end
""")

HAS_READERS = script("""
return redis.call('EXISTS', P .. 'a:' .. ARGV[1])
""")

LEAVE = script("""
redis.call('ZREM', P .. 'r:' .. ARGV[1], ARGV[2])
""")

IS_ATTENDED = script("""
return redis.call('ZCOUNT', P .. 'r:' .. ARGV[1], '(' .. now(), '+inf')
""")

RENEW = script("""
redis.call('SET', P .. 'w:' .. ARGV[1], '', 'PX', ARGV[2])
""")

IS_ALIVE = script("""
return redis.call('EXISTS', P .. 'w:' .. ARGV[1])
""")

TAKE_OVER = script("""
local id, dead, worker = unpack(ARGV)
local key = P .. 's:' .. id
local there = redis.call('HMGET', key, 'worker', 'finished')
if there[1] ~= dead or there[2] ~= '0' or redis.call('EXISTS', P .. 'w:' .. dead) == 1 then return 0 end
redis.call('HSET', key, 'worker', worker)
return 1
""")

SWEEP = script(f"""
local retention, life, batch, time = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), now()
forget_the_old(time, batch)
local unseen = redis.call('ZRANGEBYSCORE', RUNNING, '-inf', time - retention / 4, 'WITHSCORES', 'LIMIT', 0, batch)
for n = 1, #unseen, 2 do
    local id, seen = unseen[n], unseen[n + 1]
    local key = P .. 's:' .. id
    local worker = redis.call('HGET', key, 'worker')
    if worker and redis.call('EXISTS', P .. 'w:' .. worker) == 1 then
        redis.call('ZADD', RUNNING, time, id)
        live_on(id, time, life)
    elseif not worker or seen + retention < time then
        forget(id)
    end
end
if redis.call('SET', P .. 'counted', '', 'NX', 'PX', {RECOUNT}) then
    local total = 0
    for _, size in ipairs(redis.call('HVALS', SIZES)) do total = total + size end
    for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
        total = total + (redis.call('HGET', P .. 's:' .. id, 'bytes') or 0)
    end
    redis.call('SET', TOTAL, string.format('%.0f', total))
end
return #unseen
""")
