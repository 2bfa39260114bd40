//! Names: frequent ones, so that they are nobody's in particular.

use super::chance::Chance;

const SURNAMES: [&str; 32] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
    "林", "高", "罗", "郑", "梁", "谢", "宋", "唐", "许", "邓", "冯", "韩", "曹", "欧阳", "诸葛",
];

const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "霞", "平", "刚", "桂英", "秀兰", "建华", "志强", "文博", "子涵", "梓轩", "雨桐", "欣怡", "浩然", "思远",
    "嘉懿", "晓东", "海燕", "国庆", "春梅", "宇航", "佳琪", "一诺", "俊杰",
];

const LATIN_SURNAMES: [&str; 12] = [
    "GARCIA", "SMITH", "MUELLER", "TANAKA", "IVANOVA", "NGUYEN", "KIM", "ROSSI", "DUBOIS", "OKAFOR", "SILVA",
    "JENSEN",
];

const LATIN_GIVEN: [&str; 12] = [
    "MARIA", "JOHN", "ANNA", "KENJI", "OLGA", "MINH", "JIWOO", "LUCA", "CLAIRE", "CHIDI", "ANA", "ERIK",
];

/// A Chinese name.
pub(super) fn chinese(chance: &mut Chance<'_>) -> String {
    format!("{}{}", chance.one_of(&SURNAMES), chance.one_of(&GIVEN))
}

/// A name as a foreign passport shows it.
pub(super) fn latin(chance: &mut Chance<'_>) -> String {
    format!(
        "{} {}",
        chance.one_of(&LATIN_GIVEN),
        chance.one_of(&LATIN_SURNAMES)
    )
}
