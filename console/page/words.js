// Every word the page says, in Chinese and English. A test holds this table to what the page uses.

export const WORDS = {
  "language.other": ["English", "中文"],
  "tab.alerts": ["告警", "Alerts"],
  "tab.verdicts": ["未能判定", "Undecided"],
  "tab.devices": ["设备", "Devices"],
  "tab.letters": ["未识别", "Unread"],
  "tabs.name": ["页面", "Pages"],
  "session.leave": ["退出", "Sign out"],

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
  "list.fresh": ["新告警：{0}", "New alert: {0}"],
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
  "lead.not_reviewed": ["设备未经有效审核", "a device without a valid review"],
  "lead.clock": ["设备时钟不可信", "the device's clock is not trusted"],
  "lead.not_measured": ["测量条件未监测", "a condition of measuring is not measured"],
  "mark.lead": ["仅为线索", "lead only"],
  "mark.trial": ["试运行", "trial"],
  "mark.reconstructed": ["事后补判", "found in history"],

  "alert.clause": ["依据条款", "Clause"],
  "alert.item": ["第 {0} 条", "item {0}"],
  "alert.values": ["计算值与限值（规则内部名称）", "Values and limits, by the rule's own names"],
  "alert.value": ["数值", "Value"],
  "alert.source": ["出处", "Where it comes from"],
  "alert.lead": ["仅为线索的原因", "Why it is a lead only"],
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
  "alert.see-violation": ["查看违规告警", "see the violation"],
  "alert.unknown": ["没有这条告警。", "There is no such alert."],

  "act.only-look": ["您的权限只能查看。", "You may look, not act."],
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
  "who.rules": ["系统判定", "the rules"],
  "who.alerting": ["系统", "the system"],
  "why.the condition has ended": ["不再超出规定", "the condition has ended"],
  "why.not judged yet": ["尚未判定", "not judged yet"],
  "why.no attribute": ["登记表缺少属性：{0}", "the register has no attribute: {0}"],
  "why.no value": ["没有有效数据：{0}", "no value: {0}"],
  "why.resting": ["规则不适用于当前状态", "the rule rests"],

  "wrong.0": ["无法连接服务器，请稍后再试。", "The server cannot be reached; try again."],
  "wrong.400": ["请填写理由或备注。", "This needs words."],
  "wrong.403": ["您没有权限执行此操作。", "You may not do this."],
  "wrong.409": ["告警状态已变化，不能执行此操作。", "The alert has moved on; this cannot be done now."],
  "wrong.500": ["服务器出错，请稍后再试。", "The server failed; try again."],
  "wrong.503": ["服务暂时不可用，请稍后再试。", "The service cannot do this now; try again."],

  "part.journal": ["日志", "journal"],
  "part.judge": ["规则判定", "judge"],
  "part.alerting": ["告警", "alerting"],
  "part.archive": ["数据库", "archive"],
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

  "letters.title": ["未能识别的报文", "Messages that could not be read"],
  "letters.none": ["没有未识别的报文。", "Every message could be read."],
  "letters.when": ["收到", "Received"],
  "letters.topic": ["主题", "Topic"],
  "letters.detail": ["详情", "In detail"],
  "letters.undelivered": ["未能送达的通知", "Notifications that did not arrive"],
  "letters.receiver": ["接收方", "Receiver"],
  "letters.what": ["通知", "Notification"],
  "dead.too_large": ["报文过大", "too large"],
  "dead.not_permitted": ["无权代该设备上报", "not permitted"],
  "dead.unknown_topic": ["未知主题", "unknown topic"],
  "dead.foreign_region": ["其他区域", "another region"],
  "dead.unknown_device": ["未登记的设备", "unknown device"],
  "dead.unknown_asset": ["未登记的对象", "unknown asset"],
  "dead.unknown_format": ["未知格式", "unknown format"],
  "dead.undecodable": ["无法解码", "cannot be decoded"],

  "devices.title": ["设备", "Devices"],
  "devices.device": ["设备", "Device"],
  "devices.kind": ["类型", "Kind"],
  "devices.interval": ["间隔", "Interval"],
  "devices.heard": ["最近上报", "Last heard"],
  "devices.state": ["状态", "State"],
  "devices.silent": ["失联", "silent"],
  "devices.how-many": ["失联 {0} 台", "{0} silent"],
  "devices.never": ["从未上报", "never heard"],
  "devices.well": ["正常", "heard"],
  "devices.none": ["登记表中没有设备。", "The registry has no devices."],

  "chart.limit": ["判定值 {0}", "threshold {0}"],
  "chart.of": ["{0} 随时间变化", "{0} over time"],
  "chart.began": ["开始", "began"],
  "chart.opened": ["告警", "raised"],
  "chart.yes": ["是", "yes"],
  "chart.no": ["否", "no"],

  "asset-kind.construction_site": ["建筑工地", "construction site"],
  "asset-kind.linear_works": ["线性工程", "linear works"],
  "asset-kind.restaurant": ["餐饮单位", "restaurant"],
  "asset-kind.sprinkler_truck": ["洒水车", "sprinkler truck"],
  "asset-kind.sweeper_truck": ["清扫车", "sweeper truck"],
  "asset-kind.garbage_truck": ["垃圾车", "garbage truck"],
  "asset-kind.muck_truck": ["渣土车", "muck truck"],
  "asset-kind.slurry_tanker": ["泥浆车", "slurry tanker"],
  "asset-kind.river_section": ["河道断面", "river section"],
  "asset-kind.bike_station": ["公共自行车站点", "bike station"],
  "asset-kind.venue": ["场所", "venue"],
  "device-kind.dust_monitor": ["扬尘监测仪", "dust monitor"],
  "device-kind.fume_monitor": ["油烟监测仪", "fume monitor"],
  "device-kind.noise_monitor": ["噪声监测仪", "noise monitor"],
  "device-kind.vehicle_unit": ["车载终端", "vehicle unit"],
  "device-kind.vehicle_terminal": ["车载终端", "vehicle terminal"],
  "device-kind.spray_controller": ["喷淋控制器", "spray controller"],
  "device-kind.wash_bay": ["洗车台", "wash bay"],
  "device-kind.camera": ["摄像机", "camera"],

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
  return filling === undefined ? found : found.replace("{0}", () => filling);
}

/** The word of this key, or the name itself where the table has none: names come from rules and devices. */
export function wordOr(key, name) {
  return key in WORDS ? word(key) : name;
}

/** Why, in the reader's language where it is the service's own reason; a person's and a rule's words as they are. */
export function reasonOf(text) {
  const [, kind, what] = /^(no value|no attribute):? (.*)$/.exec(text) ?? [];
  return kind === undefined ? wordOr(`why.${text}`, text) : word(`why.${kind}`, what);
}

/** What went wrong, in words for people. */
export function wrongOf(error) {
  const said = wordOr(`wrong.${error.status ?? 0}`, "");
  return [said, error.status ? error.message : ""].filter(Boolean).join(" ");
}

/** A title, which rules give in both languages. */
export function titleOf(titles) {
  return titles[language()] || titles.zh || titles.en;
}

/** What an alert says in a sentence. */
export function summaryOf(alert) {
  return (language() === "en" && alert.summary_en) || alert.summary;
}

/** Why an alert is a lead only, where it says so. */
export function leadOf(alert) {
  const words = (alert.lead_reasons ?? []).map((reason) => wordOr(`lead.${reason}`, reason));
  return words.join(language() === "en" ? "; " : "；");
}
