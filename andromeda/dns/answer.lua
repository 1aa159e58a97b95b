-- What a name server answers for a name that stands for all regions. Loaded once by each of its threads.
--
--   declared.lua   what was declared: regions, weights, networks             written once
--   health.lua     who can be named now, and when that was last looked at    written every second by the watcher
--   nearest.lua    measured distances: for a network, regions, nearest first written when it changes
--
-- Reading a small file takes microseconds, so each question is answered from the newest state. While nobody keeps
-- health.lua fresh, PowerDNS' own checks decide: they run all the time, so that they know when they are needed.

local FRESH_SECONDS = 5 -- the watcher writes every second
local STANDBY_WARM_SECONDS = 5 -- until PowerDNS' own checks have looked at everybody
local STANDBY_REMINDER_SECONDS = 600 -- it forgets checks that nobody asked for during an hour

local folder = ...
local declared = dofile(folder .. '/declared.lua')
local health, health_text = nil, nil
local nearest, nearest_version = nil, nil
local loaded_at, reminded_at = os.time(), 0

math.randomseed(loaded_at + tonumber(tostring({}):match('0x(%x+)') or '0', 16) % 1000003)

local function refresh()
  local file = io.open(folder .. '/health.lua')
  if not file then return end
  local text = file:read('*a')
  file:close()
  if text == health_text then return end
  local made = loadstring(text)
  if not made then return end
  health_text, health = text, made()
  if health.nearest ~= nearest_version then
    local found, map = pcall(dofile, folder .. '/nearest.lua')
    nearest = found and map or nil
    nearest_version = health.nearest
  end
end

local function network(bits)
  local address = newCA(bestwho:toString())
  address:truncate(bits)
  return address:toString()
end

local function declared_near(ipv4)
  for _, group in ipairs(declared.networks[ipv4 and 'ipv4' or 'ipv6']) do -- longest prefix first
    local region = group.regions[network(group.bits)]
    if region then return region end
  end
end

-- Measurements are of networks of this size.
local function measured(ipv4)
  return nearest and nearest.orders[nearest.networks[network(ipv4 and 24 or 48)]]
end

-- Moves one of `left` to the end of `order`, each with the chance of its weight.
local function draw(left, order)
  local total = 0
  for _, region in ipairs(left) do total = total + declared.weights[region] end
  local point, chosen = math.random() * total, #left
  for index, region in ipairs(left) do
    point = point - declared.weights[region]
    if point < 0 then chosen = index break end
  end
  order[#order + 1] = table.remove(left, chosen)
end

-- Distances that nobody knows well are found out by sending somebody there, now and then.
local function explore(order, known, doubtful)
  local candidates = {}
  for place = 2, #order do
    local worth = place > known or doubtful[order[place]]
    if worth and declared.weights[order[place]] > 0 then candidates[#candidates + 1] = place end
  end
  if #candidates > 0 then
    table.insert(order, 1, table.remove(order, candidates[math.random(#candidates)]))
  end
end

-- All regions that can be named: the best for this client first, those of weight 0 last.
local function ranked(usable)
  local ipv4 = bestwho:isIPv4()
  local order, left, taken, doubtful = {}, {}, {}, {}
  local function take(region)
    if region and usable[region] and not taken[region] and (declared.weights[region] or 0) > 0 then
      order[#order + 1] = region
      taken[region] = true
    end
  end
  local found = measured(ipv4)
  if found then
    for _, region in ipairs(found.near) do take(region) end
    for _, region in ipairs(found.unsure) do doubtful[region] = true end
  end
  local known = #order
  take(declared_near(ipv4))
  local near = #order
  for _, region in ipairs(declared.regions) do
    if usable[region] and not taken[region] then left[#left + 1] = region end
  end
  while #left > 0 do draw(left, order) end
  if near > 0 and math.random(declared.explore) == 1 then explore(order, known, doubtful) end
  return order
end

local function addresses(usable)
  local answer = {}
  for place, region in ipairs(ranked(usable)) do
    if place > declared.answers then break end
    local found = usable[region]
    local first = math.random(#found)
    for step = 0, #found - 1 do answer[#answer + 1] = found[(first + step - 1) % #found + 1] end
  end
  return answer
end

local function checked_by_powerdns(family)
  return ifurlup(declared.probe, declared.addresses[family], { selector = 'all', backupSelector = 'all', timeout = 1 })
end

function localgroup(family)
  local now = os.time()
  if now - reminded_at >= STANDBY_REMINDER_SECONDS then
    reminded_at = now
    for each in pairs(declared.addresses) do checked_by_powerdns(each) end
  end
  refresh()
  if health and now - health.at <= FRESH_SECONDS then return addresses(health[family]) end
  -- Another region's name server knows better than one that has not looked yet: SERVFAIL sends the resolver there.
  if now - loaded_at < STANDBY_WARM_SECONDS then error('nobody has looked at the regions yet') end
  return checked_by_powerdns(family)
end
