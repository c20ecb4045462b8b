//! An estimate of how many tokens a model needs for a text. Counting exactly would need each model's own tables.
//!
//! The weights fit the counts of `OpenAI`'s tables `o200k_base` (GPT-4o and later) and `cl100k_base` (GPT-4) that the
//! tests list. The older table needs up to twice as many tokens for Greek, Hebrew and Arabic.

/// The smallest weight is a quarter of a token.
const PARTS: usize = 4;

/// Of a text that may come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate {
    parts: usize,
}

impl Estimate {
    pub fn of(text: &str) -> Self {
        let mut estimate = Self::default();
        estimate.add(text);
        estimate
    }

    pub fn add(&mut self, text: &str) {
        self.parts += text.chars().map(weight).sum::<usize>();
    }

    pub const fn tokens(self) -> usize {
        self.parts.div_ceil(PARTS)
    }
}

/// The beginning of the text that has at most this many tokens.
pub fn beginning(text: &str, tokens: usize) -> &str {
    let mut left = tokens * PARTS;
    for (start, character) in text.char_indices() {
        match left.checked_sub(weight(character)) {
            Some(rest) => left = rest,
            None => return &text[..start],
        }
    }
    text
}

const fn weight(character: char) -> usize {
    match character {
        'a'..='z' | 'A'..='Z' | ' ' | '\t' | '\n' => 1,
        // Digits and punctuation, of which ids and JSON are made; Greek, Cyrillic, Hebrew, Arabic and other alphabets.
        '\0'..='\u{7f}' | '\u{250}'..='\u{7ff}' => 2,
        // Latin letters with marks, which break a word that would be one token; Chinese, Japanese, Korean, and the
        // scripts of India and Southeast Asia.
        '\u{80}'..='\u{24f}' | '\u{800}'..='\u{ffff}' => 4,
        // Emoji.
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, each with the number of its tokens in `o200k_base` and in `cl100k_base`, as `gpt-tokenizer` 4.0.0 counts
    /// them.
    const COUNTED: &[(&str, usize, usize)] = &[
        (
            "Call the plumber about the leak under the kitchen sink before Friday, and ask him what a new tap would cost.",
            23,
            23,
        ),
        (
            "Vor Freitag den Klempner wegen des Lecks unter der Spüle anrufen und fragen, was ein neuer Wasserhahn kosten würde.",
            29,
            34,
        ),
        (
            "Péntek előtt hívd fel a vízszerelőt a mosogató alatti szivárgás miatt, és kérdezd meg, mennyibe kerülne egy új csap.",
            42,
            50,
        ),
        ("Gọi thợ sửa ống nước về chỗ rò rỉ dưới bồn rửa trước thứ Sáu và hỏi một cái vòi mới giá bao nhiêu.", 36, 57),
        (
            "До пятницы позвонить сантехнику насчёт течи под раковиной и спросить, сколько будет стоить новый кран.",
            30,
            47,
        ),
        (
            "Τηλεφώνησε στον υδραυλικό για τη διαρροή κάτω από τον νεροχύτη πριν από την Παρασκευή και ρώτα πόσο κοστίζει μια νέα βρύση.",
            46,
            111,
        ),
        ("اتصل بالسباك بشأن التسرب تحت حوض المطبخ قبل يوم الجمعة واسأله كم سيكلف صنبور جديد.", 29, 58),
        ("להתקשר לשרברב לפני יום שישי בקשר לנזילה מתחת לכיור במטבח ולשאול כמה יעלה ברז חדש.", 33, 79),
        ("शुक्रवार से पहले रसोई के सिंक के नीचे रिसाव के बारे में प्लंबर को फोन करें और पूछें कि नए नल की कीमत कितनी होगी।", 36, 105),
        ("โทรหาช่างประปาเรื่องน้ำรั่วใต้อ่างล้างจานก่อนวันศุกร์ และถามว่าก๊อกน้ำใหม่ราคาเท่าไร", 36, 78),
        ("金曜日までに台所の流しの下の水漏れについて水道屋さんに電話して、新しい蛇口がいくらかかるか聞く。", 37, 53),
        ("星期五之前给水管工打电话,询问厨房水槽下面漏水的事,并问一个新水龙头要多少钱。", 31, 44),
        ("금요일 전에 주방 싱크대 아래 누수 문제로 배관공에게 전화해서 새 수도꼭지가 얼마인지 물어보기.", 31, 54),
        (
            r#"[{"id":"01f3a9c2-7be4-7d10-9f3e-5c2a8b7d6e4f","title":"Call the plumber","description":"About the leak under the sink","status":"pending","version":3,"created_at":"2026-11-30T14:05:12.123456Z","updated_at":"2026-11-30T14:05:12.123456Z"}]"#,
            102,
            102,
        ),
        (
            "pub fn estimate(text: &str) -> usize { text.chars().map(|character| weight(character)).sum::<usize>().div_ceil(4) }",
            33,
            32,
        ),
        ("🎉🥛🚀✅🏖️🔥", 11, 18),
    ];

    #[test]
    fn the_estimate_is_near_the_counts_of_two_tables() {
        for &(text, newer, older) in COUNTED {
            let estimate = Estimate::of(text).tokens();
            let (least, most) = (newer * 85 / 100, (newer * 16 / 10).max(older * 11 / 10));
            assert!((least..=most).contains(&estimate), "{estimate} is not in {least}..={most}: {text}");
        }
    }

    #[test]
    fn pieces_are_estimated_like_the_whole() {
        let mut pieces = Estimate::default();
        for character in COUNTED[0].0.chars() {
            pieces.add(character.encode_utf8(&mut [0; 4]));
        }
        assert_eq!(pieces.tokens(), Estimate::of(COUNTED[0].0).tokens());
    }

    #[test]
    fn a_beginning_has_at_most_as_many_tokens() {
        for (text, tokens, expected) in [
            ("abcdefgh", 1, "abcd"),
            ("abc日本", 1, "abc"),
            ("日本語", 2, "日本"),
            ("🎉", 1, ""),
            ("é", 1, "é"),
            ("a", 0, ""),
        ] {
            assert_eq!(beginning(text, tokens), expected);
        }
        for (text, ..) in COUNTED {
            assert_eq!(beginning(text, Estimate::of(text).tokens()), *text);
        }
    }
}
