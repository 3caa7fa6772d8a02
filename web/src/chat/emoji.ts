// The emoji of the picker, and their names in both languages: `sign name 名字`. Loaded where they are wanted.

import type { Choice, Wanted } from "./completion";

export interface Emoji {
  readonly sign: string;
  readonly name: string;
  readonly chinese: string;
}

export type Group = "smileys" | "people" | "nature" | "food" | "things" | "signs";

const table: Record<Group, string> = {
  smileys:
    "😀 grinning 笑脸|😃 smiley 开心|😄 smile 大笑|😁 grin 露齿笑|😆 laughing 笑眯眼|😅 sweat_smile 尴尬笑|" +
    "🤣 rofl 笑翻|😂 joy 笑哭|🙂 slight_smile 微笑|🙃 upside_down 倒脸|😉 wink 眨眼|😊 blush 害羞笑|" +
    "😇 innocent 天使|🥰 smiling_hearts 喜爱|😍 heart_eyes 花痴|🤩 star_struck 崇拜|😘 kiss 飞吻|😋 yum 好吃|" +
    "😛 tongue 吐舌|😜 zany_wink 调皮|🤪 zany 疯癫|😝 squint_tongue 鬼脸|🤑 money_face 发财|🤗 hug 拥抱|" +
    "🤭 giggle 捂嘴笑|🤫 shush 嘘|🤔 thinking 思考|🤐 zipper_mouth 闭嘴|🤨 raised_eyebrow 怀疑|" +
    "😐 neutral 面无表情|😑 expressionless 无语|😶 no_mouth 沉默|😏 smirk 得意|😒 unamused 不高兴|" +
    "🙄 eye_roll 白眼|😬 grimace 龇牙|🤥 lying 说谎|😌 relieved 放松|😔 pensive 失落|😪 sleepy 困|" +
    "🤤 drooling 流口水|😴 sleeping 睡觉|😷 mask 口罩|🤒 sick 发烧|🤕 hurt 受伤|🤢 nauseated 恶心|🤮 vomit 呕吐|" +
    "🤧 sneeze 打喷嚏|🥵 hot_face 好热|🥶 cold_face 好冷|🥴 woozy 晕|😵 dizzy 头晕|🤯 mind_blown 震惊|" +
    "🤠 cowboy 牛仔|🥳 party_face 庆祝|😎 cool 酷|🤓 nerd 书呆子|🧐 monocle 审视|😕 confused 困惑|" +
    "😟 worried 担心|🙁 frown 皱眉|😮 open_mouth 惊讶|😲 astonished 吃惊|😳 flushed 脸红|🥺 pleading 可怜|" +
    "😦 anguished 苦恼|😨 fearful 害怕|😰 anxious 冷汗|😢 cry 流泪|😭 sob 大哭|😱 scream 惊恐|" +
    "😖 confounded 纠结|😞 disappointed 失望|😓 sweat 汗|😩 weary 疲惫|😫 tired 累|🥱 yawn 哈欠|😤 triumph 哼|" +
    "😡 rage 愤怒|😠 angry 生气|🤬 cursing 骂人|😈 devil 小恶魔|💀 skull 骷髅|💩 poop 便便|🤡 clown 小丑|" +
    "👻 ghost 幽灵|👽 alien 外星人|🤖 robot 机器人|😺 cat_smile 笑猫|🙈 see_no_evil 非礼勿视|" +
    "🙉 hear_no_evil 非礼勿听|🙊 speak_no_evil 非礼勿言",
  people:
    "👍 thumbsup 赞|👎 thumbsdown 踩|👌 ok_hand 好的|✌️ victory 胜利|🤞 fingers_crossed 祈祷好运|" +
    "🤟 love_you 爱你|🤘 rock 摇滚|🤙 call_me 打电话|👈 point_left 向左|👉 point_right 向右|👆 point_up 向上|" +
    "👇 point_down 向下|☝️ index_up 一|✋ raised_hand 举手|🖖 vulcan 瓦肯礼|👋 wave 挥手|" +
    "🤚 back_of_hand 手背|✊ fist 拳头|👊 punch 出拳|👏 clap 鼓掌|🙌 raised_hands 万岁|👐 open_hands 摊手|" +
    "🤲 palms_up 双手|🤝 handshake 握手|🙏 pray 拜托|✍️ writing 写字|💪 muscle 加油|🧠 brain 大脑|👀 eyes 看|" +
    "👁️ eye 眼睛|👂 ear 耳朵|👶 baby 婴儿|🧒 child 孩子|👦 boy 男孩|👧 girl 女孩|👨 man 男人|👩 woman 女人|" +
    "🧓 older_person 老人|🙋 raising_hand 提问|🤦 facepalm 捂脸|🤷 shrug 耸肩|🙇 bow 鞠躬|" +
    "💁 tipping_hand 介绍|🧑‍💻 coder 程序员|🧑‍🔬 scientist 科学家|🧑‍🎓 student 学生|🧑‍🏫 teacher 老师|" +
    "🕵️ detective 侦探|👷 builder 工人|🥷 ninja 忍者|🦸 superhero 超级英雄|🧙 wizard 巫师|🧟 zombie 僵尸|" +
    "🏃 running 跑步|🚶 walking 走路|💃 dancer 跳舞|🧘 meditate 冥想|👪 family 家庭",
  nature:
    "🐶 dog 狗|🐱 cat 猫|🐭 mouse 老鼠|🐹 hamster 仓鼠|🐰 rabbit 兔子|🦊 fox 狐狸|🐻 bear 熊|🐼 panda 熊猫|" +
    "🐨 koala 考拉|🐯 tiger 老虎|🦁 lion 狮子|🐮 cow 牛|🐷 pig 猪|🐸 frog 青蛙|🐵 monkey 猴子|🐔 chicken 鸡|" +
    "🐧 penguin 企鹅|🐦 bird 鸟|🦆 duck 鸭子|🦉 owl 猫头鹰|🐺 wolf 狼|🐴 horse 马|🦄 unicorn 独角兽|🐝 bee 蜜蜂|" +
    "🐛 bug 虫子|🦋 butterfly 蝴蝶|🐌 snail 蜗牛|🐢 turtle 乌龟|🐍 snake 蛇|🐙 octopus 章鱼|🦀 crab 螃蟹|" +
    "🐠 fish 鱼|🐬 dolphin 海豚|🐳 whale 鲸鱼|🦈 shark 鲨鱼|🐘 elephant 大象|🦕 dinosaur 恐龙|🐉 dragon 龙|" +
    "🐾 paw 爪印|🌵 cactus 仙人掌|🌲 tree 松树|🌴 palm 棕榈|🌱 seedling 幼苗|🍀 clover 四叶草|🌹 rose 玫瑰|" +
    "🌻 sunflower 向日葵|🌸 cherry_blossom 樱花|🍁 maple_leaf 枫叶|🍄 mushroom 蘑菇|🌍 earth 地球|🌙 moon 月亮|" +
    "⭐ star 星星|🌟 glowing_star 闪星|⚡ zap 闪电|🔥 fire 火|💥 boom 爆炸|☀️ sun 太阳|🌤️ partly_sunny 多云|" +
    "☁️ cloud 云|🌧️ rain 下雨|❄️ snowflake 雪花|⛄ snowman 雪人|🌈 rainbow 彩虹|🌊 ocean 海浪|" +
    "💧 droplet 水滴",
  food:
    "🍎 apple 苹果|🍐 pear 梨|🍊 orange 橘子|🍋 lemon 柠檬|🍌 banana 香蕉|🍉 watermelon 西瓜|🍇 grapes 葡萄|" +
    "🍓 strawberry 草莓|🍒 cherries 樱桃|🍑 peach 桃子|🥭 mango 芒果|🍍 pineapple 菠萝|🥥 coconut 椰子|" +
    "🍅 tomato 番茄|🥑 avocado 牛油果|🥦 broccoli 西兰花|🌽 corn 玉米|🥕 carrot 胡萝卜|🌶️ hot_pepper 辣椒|" +
    "🧄 garlic 大蒜|🍞 bread 面包|🥐 croissant 牛角包|🧀 cheese 奶酪|🥚 egg 鸡蛋|🥓 bacon 培根|🍔 hamburger 汉堡|" +
    "🍟 fries 薯条|🍕 pizza 披萨|🌮 taco 玉米卷|🥗 salad 沙拉|🍜 noodles 面条|🍚 rice 米饭|🥟 dumpling 饺子|" +
    "🍣 sushi 寿司|🍤 shrimp 虾|🍦 ice_cream 冰淇淋|🎂 cake 蛋糕|🍰 shortcake 小蛋糕|🍩 doughnut 甜甜圈|" +
    "🍪 cookie 饼干|🍫 chocolate 巧克力|🍿 popcorn 爆米花|🥜 peanuts 花生|☕ coffee 咖啡|🍵 tea 茶|" +
    "🧋 bubble_tea 奶茶|🍺 beer 啤酒|🍻 beers 干杯|🍷 wine 红酒|🥂 cheers 碰杯|🥤 cup 饮料|🥢 chopsticks 筷子|" +
    "🍴 fork_knife 餐具",
  things:
    "⚽ soccer 足球|🏀 basketball 篮球|🏈 football 橄榄球|🎾 tennis 网球|🏓 ping_pong 乒乓球|" +
    "🏸 badminton 羽毛球|🎯 dart 命中|🎮 game 游戏|🎲 dice 骰子|♟️ chess 象棋|🧩 puzzle 拼图|🎨 art 艺术|" +
    "🎤 microphone 麦克风|🎧 headphones 耳机|🎵 music 音乐|🎸 guitar 吉他|🎹 piano 钢琴|🎬 movie 电影|" +
    "🏆 trophy 奖杯|🥇 gold_medal 金牌|🎉 tada 庆祝|🎊 confetti 彩带|🎈 balloon 气球|🎁 gift 礼物|" +
    "🎄 christmas_tree 圣诞树|🧧 red_envelope 红包|🏮 lantern 灯笼|🚗 car 汽车|🚕 taxi 出租车|🚌 bus 公交车|" +
    "🚲 bike 自行车|🚂 train 火车|🚄 bullet_train 高铁|✈️ airplane 飞机|🚀 rocket 火箭|🛸 ufo 飞碟|🚢 ship 轮船|" +
    "🏠 house 房子|🏢 office 办公楼|🏥 hospital 医院|🏫 school 学校|🏖️ beach 海滩|⛰️ mountain 山|🗺️ map 地图|" +
    "⌚ watch 手表|📱 phone 手机|💻 laptop 笔记本电脑|🖥️ desktop 台式机|⌨️ keyboard 键盘|🖨️ printer 打印机|" +
    "💾 floppy 软盘|📷 camera 相机|📞 telephone 电话|🔋 battery 电池|🔌 plug 插头|💡 bulb 灯泡|" +
    "🔦 flashlight 手电筒|🗑️ trash 垃圾桶|💰 money_bag 钱袋|💳 card 银行卡|🔧 wrench 扳手|🔨 hammer 锤子|" +
    "⚙️ gear 齿轮|🧪 test_tube 试管|🔬 microscope 显微镜|🔭 telescope 望远镜|💊 pill 药|🚪 door 门|🛏️ bed 床|" +
    "🔑 key 钥匙|🔒 lock 锁|🔓 unlock 开锁|📦 package 包裹|📫 mailbox 邮箱|📝 memo 备忘|📅 calendar 日历|" +
    "📈 chart_up 上升|📉 chart_down 下降|📌 pin 图钉|📎 paperclip 回形针|✂️ scissors 剪刀|📚 books 书|" +
    "📖 book 阅读|🔍 search 搜索|🔔 bell 铃|🔕 no_bell 静音|📣 megaphone 喇叭|💬 speech 说话|💭 thought 想法|" +
    "⏰ alarm 闹钟|⏳ hourglass 沙漏",
  signs:
    "❤️ heart 爱心|🧡 orange_heart 橙心|💛 yellow_heart 黄心|💚 green_heart 绿心|💙 blue_heart 蓝心|" +
    "💜 purple_heart 紫心|🖤 black_heart 黑心|🤍 white_heart 白心|💔 broken_heart 心碎|" +
    "💕 two_hearts 两颗心|💯 hundred 满分|✨ sparkles 闪光|💫 dizzy_star 眩晕|💤 zzz 睡|💢 anger 怒|" +
    "✅ check 完成|☑️ ballot_check 勾选|✔️ heavy_check 对|❌ cross 错|❎ cross_mark 叉|⭕ circle 圆圈|" +
    "🚫 forbidden 禁止|⛔ no_entry 禁入|❓ question 问号|❗ exclamation 感叹号|‼️ bangbang 双感叹|" +
    "⚠️ warning 警告|🆗 ok OK|🆕 new 新|🆘 sos 求救|🔴 red_circle 红点|🟠 orange_circle 橙点|" +
    "🟡 yellow_circle 黄点|🟢 green_circle 绿点|🔵 blue_circle 蓝点|🟣 purple_circle 紫点|➕ plus 加|" +
    "➖ minus 减|✖️ multiply 乘|♻️ recycle 回收|🔄 refresh 刷新|🔁 repeat 重复|⬆️ up 上|⬇️ down 下|" +
    "⬅️ left 左|➡️ right 右|🔝 top 顶|🔜 soon 马上|1️⃣ one 一|2️⃣ two 二|3️⃣ three 三|🏁 finish 终点|" +
    "🚩 flag 旗帜|🏳️‍🌈 rainbow_flag 彩虹旗",
};

export const groups: ReadonlyMap<Group, readonly Emoji[]> = new Map(
  Object.entries(table).map(([group, list]) => [group as Group, list.split("|").map(entry)]),
);

function entry(line: string): Emoji {
  const [sign, name, chinese] = line.split(" ") as [string, string, string];
  return { sign, name, chinese };
}

const suggested = 8;

/** What may be meant by what is being written; of what is written in full, the sign of that name. */
export function signs({ query, closed }: Wanted, chinese: boolean): Choice[] {
  const asked = query.toLowerCase();
  return findEmoji(query, closed ? 1 : suggested)
    .filter((one) => !closed || one.name === asked || one.chinese === asked)
    .map(({ sign, name, chinese: named }) => ({
      key: sign,
      insert: closed ? sign : `${sign} `,
      label: `:${name}:`,
      detail: chinese ? named : "",
      person: null,
    }));
}

/** The one of that name, then those whose names begin with it, then those that have it inside; in both languages. */
export function findEmoji(query: string, most: number): Emoji[] {
  const asked = query.toLowerCase();
  const found: [Emoji[], Emoji[], Emoji[]] = [[], [], []];
  for (const one of [...groups.values()].flat()) {
    if (one.name === asked || one.chinese === asked) found[0].push(one);
    else if (one.name.startsWith(asked) || one.chinese.startsWith(asked)) found[1].push(one);
    else if (one.name.includes(asked) || one.chinese.includes(asked)) found[2].push(one);
  }
  return found.flat().slice(0, most);
}
