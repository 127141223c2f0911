"""The Lua scripts that run in Redis: each is one atomic step and one round trip.

`keys` describes the keys that they use, and has the functions that they share.
"""

from __future__ import annotations

from .keys import batches_script, name_script, script, stream_script, ticket_script

RECOUNT_INTERVAL_MS = 60_000
"""Milliseconds after which the total is counted anew: keys that expire without a sweep would let it drift."""

FIND = stream_script("""
return record(ARGV[1])
""")

FIND_BY_NAME = name_script("""
local id = redis.call('GET', P .. 'n:' .. ARGV[1])
if not id then return false end
local there = record(id)
return there[1] and {id, there}
""")

CLEAR_NAME = name_script("""
local key = P .. 'n:' .. ARGV[1]
if redis.call('GET', key) == ARGV[2] then redis.call('UNLINK', key) end
""")

CLAIM = stream_script("""
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
    -- A log that was begun and is gone would be begun anew, without its beginning. Of the end all must hear.
    local is_whole = is_last or there[2] == '0' or redis.call('EXISTS', log) == 1
    local has_room = (there[4] or 0) + size <= largest and size <= room or is_last and size <= spare
    if there[1] ~= worker or there[3] ~= '0' or there[2] + 1 ~= first or not (is_whole and has_room) then
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

READ = batches_script("""
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

WITHDRAW = stream_script("""
local id, worker = unpack(ARGV)
local there = redis.call('HMGET', P .. 's:' .. id, 'worker', 'last', 'finished')
if there[1] == worker and there[2] == '0' and there[3] == '0' then forget(id) end
""")

DELETE = stream_script("""
local id = ARGV[1]
if record(id)[1] then forget(id) end
""")

REQUEST_STOP = stream_script("""
local id = ARGV[1]
local key = P .. 's:' .. id
if redis.call('HGET', key, 'finished') == '0' then
    redis.call('HSET', key, 'stopping', 1)
    redis.call('PUBLISH', P .. 'x:' .. id, '')
    redis.call('PUBLISH', P .. 'c:' .. id, '')
end
""")

ADD_READER = stream_script("""
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

REMOVE_READER = stream_script("""
redis.call('ZREM', P .. 'r:' .. ARGV[1], ARGV[2])
""")

HAS_STREAM_READERS = stream_script("""
return redis.call('ZCOUNT', P .. 'r:' .. ARGV[1], '(' .. now(), '+inf')
""")

ADD_TICKET = ticket_script("""
redis.call('SET', P .. 't:' .. ARGV[1], '', 'PX', ARGV[2])
""")

TAKE_TICKET = ticket_script("""
return redis.call('DEL', P .. 't:' .. ARGV[1])
""")

RENEW_LEASE = script("""
redis.call('ZADD', LEASES, now() + ARGV[2], ARGV[1])
""")

IS_ALIVE = script("""
return is_alive(ARGV[1], now()) and 1 or 0
""")

ORPHANS = script("""
local time, found, most = now(), {}, tonumber(ARGV[1])
for _, id in ipairs(redis.call('ZRANGE', RUNNING, 0, -1)) do
    local worker = redis.call('HGET', P .. 's:' .. id, 'worker')
    if worker and not is_alive(worker, time) then found[#found + 1] = {id, record(id)} end
    if #found >= most then break end
end
return found
""")

ACQUIRE = stream_script("""
local id, dead, worker = unpack(ARGV)
local key = P .. 's:' .. id
local there = redis.call('HMGET', key, 'worker', 'finished')
if there[1] ~= dead or there[2] ~= '0' or is_alive(dead, now()) then return 0 end
redis.call('HSET', key, 'worker', worker)
return 1
""")

DELETE_EXPIRED = script("""
local retention, life, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time, horizon, kept = now(), tonumber(ARGV[4]), tonumber(ARGV[5])
if horizon == 0 then horizon = time end
redis.call('ZREMRANGEBYSCORE', LEASES, '-inf', time)
local forgotten = forget_the_old(horizon, most)
local unseen = redis.call('ZRANGEBYSCORE', RUNNING, '-inf', horizon - retention / 4, 'WITHSCORES', 'LIMIT', kept, most)
for n = 1, #unseen, 2 do
    local id, seen = unseen[n], tonumber(unseen[n + 1])
    local worker = redis.call('HGET', P .. 's:' .. id, 'worker')
    if worker and is_alive(worker, time) then
        redis.call('ZADD', RUNNING, time, id)
        live_on(id, time, life)
    elseif not worker or seen + retention < time then
        forget(id)
    else
        kept = kept + 1
    end
end
local is_more = forgotten == most or #unseen == 2 * most
return {is_more and 1 or 0, horizon, kept}
""")
"""One step of a sweep. It returns whether there is more to do, and two arguments for the next step: the moment up to
which streams are checked (0 in the first step, which sets it), and the number of unfinished streams that were skipped.
"""

RECOUNT_IF_DUE = script(f"""
if redis.call('SET', P .. 'counted', '', 'NX', 'PX', {RECOUNT_INTERVAL_MS}) then recount() end
""")

PROBE = script("""
local key = P .. 'check'
redis.call('XADD', key, now(), unpack(cmsgpack.unpack(ARGV[1])))
redis.call('UNLINK', key)
redis.call('PUBLISH', key, '')
""")
"""Uses every command that the other scripts need, and leaves no key behind."""
