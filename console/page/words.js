// Every word the page says, in Chinese and English. A test holds this table to what the page uses.

export const WORDS = {
  "language.other": ["English", "中文"],
  "tab.alerts": ["告警", "Alerts"],
  "tab.verdicts": ["未能判定", "Undecided"],
  "tab.devices": ["设备", "Devices"],

  "health.well": ["运行正常", "Everything works"],
  "health.ill": ["有部件未就绪：", "Not ready: "],
  "health.lost": ["与服务器的连接已断开，正在重连…", "The connection is lost, trying again…"],
  "health.live": ["实时", "live"],

  "token.ask": ["请输入您的访问令牌", "Enter your token"],
  "token.keep": ["在本设备上记住", "Remember on this device"],
  "token.enter": ["进入", "Enter"],
  "token.wrong": ["令牌无效。", "This token is nobody's."],

  "filter.state": ["处置状态", "State"],
  "filter.severity": ["等级", "Severity"],
  "filter.kind": ["类别", "Kind"],
  "filter.rule": ["规则", "Rule"],
  "filter.unfinished": ["未结案", "Not closed"],
  "filter.any-state": ["全部状态", "Any state"],
  "filter.any-severity": ["全部等级", "Any severity"],
  "filter.any-kind": ["全部类别", "Any kind"],
  "filter.any-rule": ["全部规则", "Any rule"],

  "list.none": ["没有符合条件的告警。", "No such alerts."],
  "list.more": ["更早的告警", "Older alerts"],
  "list.back": ["返回列表", "Back to the list"],
  "list.choose": ["请选择一条告警。", "Choose an alert."],

  "severity.notice": ["提示", "notice"],
  "severity.minor": ["一般", "minor"],
  "severity.serious": ["较重", "serious"],
  "severity.urgent": ["紧急", "urgent"],
  "kind.violation": ["违规", "violation"],
  "kind.early_warning": ["预警", "early warning"],
  "kind.device": ["设备异常", "device"],
  "state.open": ["待处理", "open"],
  "state.acknowledged": ["已确认", "acknowledged"],
  "state.assigned": ["已派单", "assigned"],
  "state.arrived": ["已到场", "arrived"],
  "state.resolved": ["已处置", "resolved"],
  "state.closed": ["已结案", "closed"],
  "state.withdrawn": ["已撤销", "withdrawn"],
  "condition.active": ["持续中", "active"],
  "condition.cleared": ["已恢复", "cleared"],
  "mark.lead": ["仅为线索", "lead only"],
  "mark.trial": ["试运行", "trial"],
  "mark.reconstructed": ["事后补判", "found in history"],

  "alert.clause": ["依据条款", "Clause"],
  "alert.item": ["第 {0} 条", "item {0}"],
  "alert.measured": ["实测", "Measured"],
  "alert.limits": ["限值", "Limits"],
  "alert.began": ["开始", "Began"],
  "alert.opened": ["告警", "Raised"],
  "alert.cleared": ["恢复", "Cleared"],
  "alert.asset": ["对象", "Asset"],
  "alert.grid": ["网格", "Grid"],
  "alert.position": ["位置", "Position"],
  "alert.responsible": ["责任单位", "Responsible"],
  "alert.rule": ["规则", "Rule"],
  "alert.chart": ["事发前后", "Around the moment"],
  "alert.no-chart": ["证据中没有可绘制的读数。", "The evidence has no readings to draw."],
  "alert.events": ["处置记录", "What was done"],
  "alert.evidence": ["证据", "Evidence"],
  "alert.messages": ["原始报文 {0} 条", "{0} raw messages"],
  "alert.digest": ["摘要", "Digest"],
  "alert.offsets": ["日志位置", "Journal offsets"],
  "alert.binary": ["（非文本，base64）", " (no text, base64)"],
  "alert.unknown": ["没有这条告警。", "There is no such alert."],

  "act.acknowledge": ["确认", "Acknowledge"],
  "act.resolve": ["已处置", "Resolve"],
  "act.close": ["结案", "Close"],
  "act.reopen": ["重新打开", "Reopen"],
  "act.note": ["备注", "Note"],
  "act.reason": ["理由或备注", "Reason or note"],

  "event.opened": ["告警产生", "raised"],
  "event.updated": ["更新", "updated"],
  "event.cleared": ["恢复正常", "cleared"],
  "event.acknowledged": ["已确认", "acknowledged"],
  "event.resolved": ["已处置", "resolved"],
  "event.closed": ["已结案", "closed"],
  "event.reopened": ["重新打开", "reopened"],
  "event.noted": ["备注", "noted"],
  "event.notified": ["已通知", "notified"],
  "event.failed": ["通知失败", "not notified"],
  "update.again": ["再次超限", "again"],
  "update.grew_into": ["升级为违规", "grew into a violation"],
  "update.still_active": ["仍在持续", "still active"],

  "verdict.compliant": ["合规", "compliant"],
  "verdict.early_warning": ["预警", "early warning"],
  "verdict.violation": ["违规", "violation"],
  "verdict.undecided": ["无法判定", "undecided"],
  "verdict.fault": ["规则故障", "fault"],
  "verdicts.title": ["未能判定的情形", "What could not be decided"],
  "verdicts.none": ["全部都能判定。", "Everything could be decided."],
  "verdicts.reason": ["原因", "Why"],
  "verdicts.since": ["自", "Since"],
  "verdicts.verdict": ["结论", "Verdict"],

  "devices.title": ["设备", "Devices"],
  "devices.device": ["设备", "Device"],
  "devices.kind": ["类型", "Kind"],
  "devices.interval": ["间隔", "Interval"],
  "devices.heard": ["最近上报", "Last heard"],
  "devices.state": ["状态", "State"],
  "devices.silent": ["失联", "silent"],
  "devices.never": ["从未上报", "never heard"],
  "devices.well": ["正常", "heard"],
  "devices.none": ["登记表中没有设备。", "The registry has no devices."],

  "chart.limit": ["限值 {0}", "limit {0}"],
  "chart.began": ["开始", "began"],
  "chart.opened": ["告警", "raised"],
  "chart.yes": ["是", "yes"],
  "chart.no": ["否", "no"],

  "quantity.pm10": ["PM10", "PM10"],
  "quantity.pm25": ["PM2.5", "PM2.5"],
  "quantity.tsp": ["总悬浮颗粒物", "TSP"],
  "quantity.sound_level": ["声级", "Sound level"],
  "quantity.background_level": ["背景噪声", "Background level"],
  "quantity.fume": ["油烟浓度", "Fume"],
  "quantity.purifier_current": ["净化器电流", "Purifier current"],
  "quantity.speed": ["车速", "Speed"],
  "quantity.humidity": ["湿度", "Humidity"],
  "quantity.temperature": ["温度", "Temperature"],
  "quantity.wind_speed": ["风速", "Wind speed"],
  "quantity.water_flow": ["水流量", "Water flow"],
  "quantity.pump_pressure": ["泵压", "Pump pressure"],
  "quantity.chime": ["提示音", "Chime"],
  "quantity.spraying": ["喷淋", "Spraying"],
  "quantity.loaded": ["重载", "Loaded"],
  "quantity.cover_closed": ["密闭", "Cover closed"],
  "quantity.fan_running": ["风机运行", "Fan running"],
  "quantity.purifier_running": ["净化器运行", "Purifier running"],
  "quantity.acc": ["点火", "Ignition"],
  "quantity.earthwork": ["土方作业", "Earthwork"],
  "quantity.fog_cannon": ["雾炮", "Fog cannon"],
};

const SLOT = 0;
const KEPT = "citywarden.language";
let column = wanted() === "en" ? 1 : SLOT;

function wanted() {
  const asked = new URLSearchParams(location.search).get("lang");
  const kept = localStorage.getItem(KEPT);
  if (asked === "zh" || asked === "en") return asked;
  if (kept) return kept;
  return navigator.language.startsWith("en") ? "en" : "zh";
}

/** The language the page speaks: `zh` or `en`. */
export function language() {
  return column === SLOT ? "zh" : "en";
}

export function switchLanguage() {
  column = 1 - column;
  localStorage.setItem(KEPT, language());
}

/** The word of this key, `{0}` filled in. */
export function word(key, filling) {
  const found = WORDS[key]?.[column] ?? key;
  return filling === undefined ? found : found.replace("{0}", filling);
}

/** The word of this key, or the name itself where the table has none: names come from rules and devices. */
export function wordOr(key, name) {
  return key in WORDS ? word(key) : name;
}

/** A title, which rules give in both languages. */
export function titleOf(titles) {
  return titles[language()] || titles.zh || titles.en;
}
