/** An element of an XML document: its text, or its children by name. A child that may come more than once is always an array. */
export type XmlValue = string | XmlNode | (string | XmlNode)[] | undefined

/** An element that has children. */
export interface XmlNode {
  [name: string]: XmlValue
}
